#include "kerf/comm/merge.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/collectives.h"

namespace kerf {
namespace {

std::vector<std::vector<float>> slices(int count, int64_t n) {
  std::vector<std::vector<float>> all(static_cast<size_t>(count), std::vector<float>(static_cast<size_t>(n)));
  for (int s = 0; s < count; ++s) {
    for (int64_t i = 0; i < n; ++i) all[static_cast<size_t>(s)][static_cast<size_t>(i)] = testing::slice_value(s, i);
  }
  return all;
}

TEST(Merge, FollowsTheTreeForEveryNumberOfSlicesAndEveryLength) {
  for (int count = 1; count <= kMaxSlices; ++count) {
    const ReductionTree tree({0, count});
    for (const int64_t n : {0, 1, 15, 512, 513, 1500}) {
      const auto items = slices(count, n);
      std::vector<const float*> pointers;
      for (const auto& item : items) pointers.push_back(item.data());
      std::vector<float> sum(static_cast<size_t>(n));
      merge(tree.local(0), pointers, n, std::array{sum.data()});
      for (int64_t i = 0; i < n; ++i) EXPECT_EQ(sum[static_cast<size_t>(i)], testing::node_value(0, count, i));
    }
  }
}

// If the order did not matter to these values, the tests of order would prove nothing.
TEST(Merge, ASumFromLeftToRightGivesOtherBits) {
  int64_t different = 0;
  for (int64_t i = 0; i < 100; ++i) {
    float sum = 0;
    for (int s = 0; s < 8; ++s) sum += testing::slice_value(s, i);
    different += sum != testing::node_value(0, 8, i) ? 1 : 0;
  }
  EXPECT_GT(different, 10);
}

TEST(Merge, ResultsMayTakeThePlaceOfItems) {
  const ReductionTree tree({0, 5, 8});  // rank 0's cover: [0, 4) and [4, 5)
  ASSERT_EQ(tree.nodes(0), 2);
  auto items = slices(5, 700);
  std::vector<const float*> pointers;
  for (const auto& item : items) pointers.push_back(item.data());
  merge(tree.local(0), pointers, 700, std::array{items[0].data(), items[1].data()});
  for (int64_t i = 0; i < 700; ++i) {
    EXPECT_EQ(items[0][static_cast<size_t>(i)], testing::node_value(0, 4, i));
    EXPECT_EQ(items[1][static_cast<size_t>(i)], testing::slice_value(4, i));
  }
}

}  // namespace
}  // namespace kerf
