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

// Matrices smaller than a huge page would have none of their own.
TEST(Buffer, HugeOnesOfAThreadShareARegionThatBeginsAtAHugePage) {
  constexpr size_t kHugePage = size_t{2} << 20;
  {
    Buffer a(5000, Buffer::Pages::kHuge);
    Buffer b(100, Buffer::Pages::kHuge);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data()) % kHugePage, 0U);
    EXPECT_EQ(b.data(), a.data() + 8192) << "whole small pages, one behind the other";
    b.data()[99] = std::byte{1};
    a = Buffer();
    EXPECT_EQ(b.data()[99], std::byte{1}) << "a region stays as long as one buffer lies in it";
  }
  Buffer large(200 * kHugePage + 1, Buffer::Pages::kHuge);
  EXPECT_EQ(large.data()[200 * kHugePage], std::byte{0});
  Buffer next(64, Buffer::Pages::kHuge);
  EXPECT_TRUE(next.data() < large.data() || next.data() >= large.data() + large.size());
}

}  // namespace
}  // namespace kerf
