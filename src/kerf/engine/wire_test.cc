#include "kerf/engine/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Wire, NumbersComeBackAtTheirBorders) {
  const uint64_t unsigneds[] = {0, 1, 127, 128, 1ULL << 35, ~0ULL};
  const int64_t signeds[] = {
      0, -1, 63, -64, 64, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  WireWriter out;
  for (const uint64_t x : unsigneds) out.u64(x);
  for (const int64_t x : signeds) out.i64(x);
  out.f64(-0.1);
  out.text("größer");
  out.floats(std::vector<float>{1.5F, -2});
  out.differences(std::vector<int32_t>{INT32_MAX, 0, 5});
  const Bytes bytes = out.take();

  WireReader in(bytes, "test");
  for (const uint64_t x : unsigneds) EXPECT_EQ(in.u64(), x);
  for (const int64_t x : signeds) EXPECT_EQ(in.i64(), x);
  EXPECT_EQ(in.f64(), -0.1);
  EXPECT_EQ(in.text(), "größer");
  EXPECT_THAT(in.floats(), ElementsAre(1.5F, -2));
  std::vector<int32_t> values;
  in.differences(3, values);
  EXPECT_THAT(values, ElementsAre(INT32_MAX, 0, 5));
  EXPECT_TRUE(in.finish().ok());
}

Status read(const Bytes& bytes, void (*parse)(WireReader&)) {
  WireReader in(bytes, "test");
  parse(in);
  return in.finish();
}

TEST(Wire, BrokenBytesAreRefusedWithTheReasonAndThePlace) {
  const Bytes ones(12, std::byte{0xff});
  const auto refuses = [](const Bytes& bytes, void (*parse)(WireReader&), std::string_view why) {
    const Status status = read(bytes, parse);
    ASSERT_FALSE(status.ok()) << why;
    EXPECT_THAT(status.error().message, HasSubstr(why));
  };
  refuses(
      ones, [](WireReader& in) { in.u64(); }, "longer than 64 bits");
  refuses(
      {}, [](WireReader& in) { in.u64(); }, "ends early");
  refuses(
      {std::byte{0x80}}, [](WireReader& in) { in.u64(); }, "ends early");
  refuses(
      {std::byte{5}, std::byte{0}}, [](WireReader& in) { in.text(); }, "list is longer");
  refuses(
      {std::byte{2}, std::byte{0}, std::byte{0}}, [](WireReader& in) { in.floats(); }, "ends early");
  refuses(
      {std::byte{4}}, [](WireReader& in) { in.flag(); }, "out of range");
  refuses(
      {std::byte{1}},
      [](WireReader& in) {
        std::vector<int32_t> v;
        in.differences(1, v);
      },
      "out of range");
  refuses(
      {std::byte{1}}, [](WireReader&) {}, "goes on after its end");
}

TEST(Wire, AfterTheFirstErrorEverythingReadsAsNothing) {
  const Bytes bytes = {std::byte{9}, std::byte{1}, std::byte{2}};
  WireReader in(bytes, "test");
  EXPECT_EQ(in.text(), "");
  EXPECT_EQ(in.u64(), 0U);
  EXPECT_EQ(in.f64(), 0.0);
  EXPECT_EQ(in.length(), 0U);
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace kerf
