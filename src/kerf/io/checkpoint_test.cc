#include "kerf/io/checkpoint.h"

#include <gmock/gmock.h>

#include <cstring>

#include "kerf/io/model_config.h"
#include "tests/support/conformance.h"
#include "tests/support/errors.h"
#include "tests/support/tiny_model.h"

namespace kerf {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::raw_tensor;
using testing::TempDir;
using testing::TinyModel;
using testing::write_file;
using testing::write_safetensors;

const std::vector<float> kSix = {0, 1, 2, 10, 11, 12};

// A directory whose model.safetensors holds m [2, 3] f32, v [6] f16 and ids [2, 3] i64.
TempDir small_checkpoint() {
  TempDir dir;
  write_safetensors(dir.path() / "model.safetensors", {raw_tensor("m", DType::kF32, {2, 3}, kSix),
                                                       raw_tensor("v", DType::kF16, {6}, kSix),
                                                       {"ids", "I64", {2, 3}, std::string(48, '\0')}});
  return dir;
}

float at(const MatrixView& view, int64_t row, int64_t col) {
  float value = 0;
  std::memcpy(&value, static_cast<const float*>(view.row(row)) + col, sizeof value);
  return value;
}

TEST(Checkpoint, CutsBlocksOutOfAMatrix) {
  const TempDir dir = small_checkpoint();
  const auto checkpoint = Checkpoint::open(dir.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  const auto m = checkpoint->matrix("m", 2, 3);
  ASSERT_TRUE(m.ok()) << m.error().message;
  EXPECT_EQ(m->bytes(), 24);
  EXPECT_EQ(at(*m, 1, 2), 12);

  const MatrixView right = m->col_block(1, 3);
  EXPECT_EQ(right.cols, 2);
  EXPECT_EQ(right.row_stride, 3);
  EXPECT_EQ(at(right, 0, 0), 1);
  EXPECT_EQ(at(right, 1, 1), 12);
  EXPECT_EQ(at(right.row_block(1, 2), 0, 0), 11);

  const auto v = checkpoint->vector("v", 6);
  ASSERT_TRUE(v.ok()) << v.error().message;
  EXPECT_EQ(v->rows, 1);
  EXPECT_EQ(v->cols, 6);
  EXPECT_EQ(v->dtype, DType::kF16);
  uint16_t half = 0;
  std::memcpy(&half, v->block(0, 1, 3, 6).data, sizeof half);
  EXPECT_EQ(half, 0x4900);  // 10.0
}

TEST(Checkpoint, CountsTheBytesTakenOnce) {
  const TempDir dir = small_checkpoint();
  auto checkpoint = Checkpoint::open(dir.path());
  const MatrixView m = checkpoint->matrix("m", 2, 3).value();
  EXPECT_EQ(checkpoint->bytes_read(), 0);
  checkpoint->touch(m.col_block(0, 1));
  EXPECT_EQ(checkpoint->bytes_read(), 8);
  checkpoint->touch(m.col_block(0, 1));
  EXPECT_EQ(checkpoint->bytes_read(), 8);
  checkpoint->touch(m.col_block(1, 3));
  EXPECT_EQ(checkpoint->bytes_read(), 24);
}

TEST(Checkpoint, ReadsAgainWhatWasDropped) {
  const TempDir dir = small_checkpoint();
  const auto checkpoint = Checkpoint::open(dir.path());
  const MatrixView m = checkpoint->matrix("m", 2, 3).value();
  Checkpoint::drop(m.col_block(1, 2));
  Checkpoint::drop(m.row_block(1, 1));
  EXPECT_EQ(at(m, 1, 1), 11);
}

TEST(Checkpoint, NamesTheTensorThatIsNotAsPromised) {
  const TempDir dir = small_checkpoint();
  const std::string where = dir.path().string();
  const auto checkpoint = Checkpoint::open(dir.path());
  EXPECT_EQ(checkpoint->find("w"), nullptr);
  ASSERT_NE(checkpoint->find("m"), nullptr);
  EXPECT_EQ(error_of(checkpoint->matrix("w", 2, 3)),
            where + ": tensor 'w' is missing; config.json asks for it, shape [2, 3]");
  EXPECT_EQ(error_of(checkpoint->matrix("m", 3, 2)),
            where + "/model.safetensors: tensor 'm' has shape [2, 3]; config.json asks for [3, 2]");
  EXPECT_EQ(error_of(checkpoint->vector("m", 6)),
            where + "/model.safetensors: tensor 'm' has shape [2, 3]; config.json asks for [6]");
  EXPECT_EQ(error_of(checkpoint->matrix("ids", 2, 3)),
            where + "/model.safetensors: tensor 'ids' is I64; expected F32, F16 or BF16");
}

TEST(Checkpoint, RefusesMisalignedData) {
  const TempDir dir;
  const std::string header = R"({"m": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}} )";
  write_file(dir.path() / "model.safetensors", testing::safetensors_file(header, "1234"));
  EXPECT_THAT(error_of(Checkpoint::open(dir.path())->vector("m", 1)),
              HasSubstr("tensor 'm' begins at byte 70, not a multiple of its 4-byte elements"));
}

TEST(Checkpoint, RefusesADirectoryWithoutWeights) {
  const TempDir dir;
  const std::string where = dir.path().string();
  EXPECT_EQ(error_of(Checkpoint::open(dir.path() / "x")),
            "there is no directory " + where + "/x; give a Hugging Face model directory");
  EXPECT_EQ(error_of(Checkpoint::open(dir.path())),
            where + " holds no weights: neither model.safetensors nor model.safetensors.index.json");
  write_file(dir.path() / "pytorch_model.bin", "x");
  EXPECT_EQ(error_of(Checkpoint::open(dir.path() / "pytorch_model.bin")),
            where + "/pytorch_model.bin is a file; give the model directory that holds it");
  EXPECT_EQ(error_of(Checkpoint::open(dir.path())),
            where +
                " holds pytorch_model.bin but no model.safetensors; convert the weights to safetensors, kerf reads "
                "nothing else");
  write_file(dir.path() / "model-00001-of-00002.safetensors", "x");
  EXPECT_EQ(error_of(Checkpoint::open(dir.path())),
            where +
                " holds 1 .safetensors file(s) but neither model.safetensors nor model.safetensors.index.json; "
                "download the index too");
}

TEST(Checkpoint, NamesTheDamagedFile) {
  const TempDir dir;
  write_file(dir.path() / "model.safetensors", "12345");
  EXPECT_EQ(error_of(Checkpoint::open(dir.path())),
            dir.path().string() +
                "/model.safetensors: 5 bytes are too few for a safetensors file; the file is damaged, "
                "download it again");
}

// Two files and an index; `index` replaces the good one.
class ShardedCheckpoint : public ::testing::Test {
 protected:
  ShardedCheckpoint() {
    write_safetensors(dir_.path() / "1.safetensors", {raw_tensor("a", DType::kF32, {2, 3}, kSix)});
    write_safetensors(dir_.path() / "2.safetensors", {raw_tensor("b", DType::kF32, {2, 3}, kSix)});
  }
  Result<Checkpoint> open(std::string_view index) {
    write_file(dir_.path() / "model.safetensors.index.json", index);
    return Checkpoint::open(dir_.path());
  }
  std::string path(const std::string& name) { return (dir_.path() / name).string(); }
  TempDir dir_;
};

constexpr std::string_view kGoodIndex = R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})";

TEST_F(ShardedCheckpoint, FindsTensorsOfEveryFile) {
  const auto checkpoint = open(kGoodIndex);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ(at(checkpoint->matrix("a", 2, 3).value(), 0, 1), 1);
  EXPECT_EQ(at(checkpoint->matrix("b", 2, 3).value(), 1, 0), 10);
}

TEST_F(ShardedCheckpoint, NamesAMissingFile) {
  std::filesystem::remove(dir_.path() / "2.safetensors");
  EXPECT_EQ(error_of(open(kGoodIndex)),
            path("2.safetensors") + " is missing, though model.safetensors.index.json lists it; download it");
}

TEST_F(ShardedCheckpoint, NamesATensorThatItsFileLacks) {
  EXPECT_EQ(error_of(open(R"({"weight_map": {"a": "2.safetensors"}})")),
            path("2.safetensors") +
                " lacks tensor 'a', though model.safetensors.index.json lists it there; download both again");
}

TEST_F(ShardedCheckpoint, StaysInItsDirectory) {
  for (const char* file : {R"("/etc/passwd")", R"("../1.safetensors")", R"("")", "3"}) {
    EXPECT_THAT(error_of(open(fmt::format(R"({{"weight_map": {{"a": {}}}}})", file))),
                HasSubstr("tensor 'a' is said to lie in"));
  }
}

TEST_F(ShardedCheckpoint, RefusesAnIndexWithoutAMap) {
  EXPECT_EQ(error_of(open(R"({"metadata": {}})")),
            path("model.safetensors.index.json") + ": 'weight_map' is missing; expected an object {...}");
  EXPECT_EQ(error_of(open("{")), path("model.safetensors.index.json") + ": not valid JSON at line 1, column 2");
}

// Every tensor that the architecture promises is there and readable.
void expect_all_tensors(const std::filesystem::path& dir) {
  SCOPED_TRACE(dir);
  const auto checkpoint = Checkpoint::open(dir);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  const auto config = nlohmann::json::parse(testing::read_file(dir / "config.json"));
  for (const auto& [name, shape] : testing::expected_tensors(config)) {
    const auto view =
        shape.size() == 2 ? checkpoint->matrix(name, shape[0], shape[1]) : checkpoint->vector(name, shape[0]);
    EXPECT_TRUE(view.ok()) << view.error().message;
  }
}

TEST(Checkpoint, OpensTinyModelsOfEveryArchitecture) {
  for (const Architecture& architecture : architectures()) {
    const TinyModel model({.model_type = std::string(architecture.model_type), .layers = 2, .shards = 3});
    expect_all_tensors(model.dir);
  }
}

TEST(Checkpoint, OpensEveryDenseConformanceModel) {
  KERF_REQUIRE_CONFORMANCE("models");
  int opened = 0;
  for (const auto& entry : std::filesystem::directory_iterator(testing::conformance_dir() / "models")) {
    if (!entry.is_directory() || !load_model_spec(entry.path()).ok())
      continue;  // quantised, MoE: see model_config_test
    expect_all_tensors(entry.path());
    ++opened;
  }
  EXPECT_EQ(opened, 14);
}

}  // namespace
}  // namespace kerf
