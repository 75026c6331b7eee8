#include "kerf/base/arena.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(Arena, TakesAlignedMemoryAndGivesItBackByFrame) {
  Arena arena(4096);
  auto* first = arena.take<float>(3);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0U);
  float* inner = nullptr;
  {
    const Arena::Frame frame(arena);
    inner = arena.take<float>(100);
    EXPECT_GE(inner, first + 3);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(inner) % 64, 0U);
  }
  EXPECT_EQ(arena.take<float>(100), inner);
}

TEST(ArenaDeathTest, EndsTheProcessRatherThanOverrun) {
  Arena arena(4096);
  EXPECT_DEATH((void)arena.take<float>(2000), "scratch arena exhausted");
}

TEST(Buffer, IsZeroedAndMoves) {
  Buffer buffer(1 << 20);
  EXPECT_EQ(buffer.data()[12345], std::byte{0});
  buffer.data()[0] = std::byte{7};
  Buffer other = std::move(buffer);
  EXPECT_EQ(other.data()[0], std::byte{7});
  EXPECT_EQ(buffer.data(), nullptr);  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace kerf
