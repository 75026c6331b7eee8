#include "kerf/io/safetensors.h"

#include <gmock/gmock.h>

#include "tests/support/errors.h"
#include "tests/support/safetensors_writer.h"

namespace kerf {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::safetensors_file;

Result<std::vector<TensorInfo>> parse(std::string_view file) {
  return parse_safetensors(std::as_bytes(std::span(file)), "f");
}

// The refusal of a header with the given data behind it.
std::string refusal(std::string_view header, size_t data_bytes) {
  return error_of(parse(safetensors_file(header, std::string(data_bytes, '\0'))));
}

TEST(Safetensors, ListsTensorsInTheOrderOfTheirData) {
  const std::string header = R"({"__metadata__": {"format": "pt"},
      "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [4, 28]},
      "b": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
      "scalar": {"dtype": "I64", "shape": [], "data_offsets": [28, 36]},
      "none": {"dtype": "F16", "shape": [0, 7], "data_offsets": [36, 36]}})";
  const auto tensors = parse(safetensors_file(header, std::string(36, '\0')));
  ASSERT_TRUE(tensors.ok()) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 4);
  const TensorInfo& b = (*tensors)[0];
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.dtype, DType::kBF16);
  EXPECT_EQ(b.offset, 8 + header.size());
  const TensorInfo& a = (*tensors)[1];
  EXPECT_EQ(a.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(a.offset, 8 + header.size() + 4);
  EXPECT_EQ(a.bytes, 24);
  const TensorInfo& scalar = (*tensors)[2];
  EXPECT_EQ(scalar.dtype_name, "I64");
  EXPECT_EQ(scalar.dtype, std::nullopt);
}

TEST(Safetensors, AcceptsSubByteElements) {
  const auto tensors =
      parse(safetensors_file(R"({"a": {"dtype": "F4", "shape": [6], "data_offsets": [0, 3]}})", "abc"));
  EXPECT_TRUE(tensors.ok());
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F4", "shape": [5], "data_offsets": [0, 3]}})", 3),
            "f: tensor 'a': shape [5] of F4 is no whole number of bytes");
}

TEST(Safetensors, RefusesAHeaderOfTenGigabytes) {
  std::string file = safetensors_file("{}", "");
  const uint64_t length = 10'000'000'000;
  for (size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(length >> (8 * i));
  EXPECT_EQ(error_of(parse(file)),
            "f: claims a header of 10000000000 bytes, at most 100000000 are allowed; it is damaged or no safetensors "
            "file");
}

TEST(Safetensors, RefusesAFileShorterThanItsHeader) {
  EXPECT_EQ(error_of(parse("1234567")),
            "f: 7 bytes are too few for a safetensors file; the file is damaged, download it again");
  EXPECT_EQ(error_of(parse(safetensors_file(R"({"a": 1})", "").substr(0, 12))),
            "f: claims a header of 8 bytes but holds only 4 after the length; it is truncated, download it again");
}

TEST(Safetensors, RefusesAHeaderThatIsNoObject) {
  EXPECT_EQ(refusal("[1, 2]", 0), "f: header is a list of 2; expected an object {...} of tensors");
  EXPECT_EQ(refusal("{\"a\": ", 0), "f: header: not valid JSON at line 1, column 7");
  EXPECT_EQ(refusal(R"({"a": 3})", 0), "f: tensor 'a': 3; expected an object {...}");
}

TEST(Safetensors, RefusesTruncatedData) {
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", 7),
            "f: tensor 'a' ends at byte 8 of the data, but the file holds only 7; it is truncated, download it again");
}

TEST(Safetensors, RefusesOverlapsAndHoles) {
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                        "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}})",
                    12),
            "f: tensor 'b' begins at byte 4 of the data, inside tensor 'a', which ends at 8; the file is damaged, "
            "download it again");
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                        "b": {"dtype": "F32", "shape": [2], "data_offsets": [12, 20]}})",
                    20),
            "f: bytes 8 to 12 of the data, before tensor 'b', belong to no tensor; the file is damaged, download it "
            "again");
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", 11),
            "f: 3 bytes after the last tensor belong to no tensor; the file is damaged, download it again");
}

TEST(Safetensors, RefusesOffsetsThatContradict) {
  EXPECT_THAT(refusal(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [8, 4]}})", 8),
              HasSubstr("f: tensor 'a': 'data_offsets' is [8, 4]; expected a begin and an end"));
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}})", 8),
            "f: tensor 'a': its offsets span 8 bytes, but shape [3] of F32 takes 12; the file is damaged, download it "
            "again");
  EXPECT_THAT(refusal(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}})", 8),
              HasSubstr("'data_offsets' is a list of 3"));
  EXPECT_THAT(refusal(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}})", 8),
              HasSubstr("'data_offsets' holds -4"));
  EXPECT_THAT(refusal(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 18446744073709551615]}})", 8),
              HasSubstr("'data_offsets' holds 18446744073709551615"));
  EXPECT_THAT(refusal(R"({"a": {"dtype": "F32", "shape": [1]}})", 4), HasSubstr("'data_offsets' is missing"));
}

TEST(Safetensors, RefusesImpossibleShapes) {
  const auto with_shape = [](std::string_view shape) {
    return refusal(fmt::format(R"({{"a": {{"dtype": "F32", "shape": {}, "data_offsets": [0, 4]}}}})", shape), 4);
  };
  EXPECT_EQ(with_shape("[-1]"), "f: tensor 'a': 'shape' holds -1; expected a list of whole numbers >= 0");
  EXPECT_THAT(with_shape("[1.5]"), HasSubstr("'shape' holds 1.5"));
  EXPECT_THAT(with_shape("1"), HasSubstr("'shape' is 1"));
  EXPECT_THAT(with_shape("[4294967296, 4294967296]"),
              HasSubstr("f: tensor 'a': shape [4294967296, 4294967296] is larger than any memory"));
}

TEST(Safetensors, RefusesUnknownDtype) {
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F31", "shape": [1], "data_offsets": [0, 4]}})", 4),
            "f: tensor 'a': 'dtype' is 'F31'; expected a safetensors dtype such as F32, F16 or BF16");
}

TEST(Safetensors, RefusesTwoTensorsOfOneName) {
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                        "a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})",
                    8),
            "f: header: 'a' appears twice");
}

}  // namespace
}  // namespace kerf
