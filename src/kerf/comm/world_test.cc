#include "kerf/comm/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

#include "tests/support/collectives.h"

namespace kerf {
namespace {

using ::testing::ThrowsMessage;

void run_worlds(int size, const std::function<void(World&)>& body) {
  const auto worlds = make_thread_worlds(size);
  std::vector<std::thread> ranks;
  for (const auto& world : worlds) ranks.emplace_back([&] { body(*world); });
  for (auto& rank : ranks) rank.join();
}

TEST(World, AnOrdinaryProcessIsAWorldOfItsOwn) {
  ASSERT_FALSE(started_by_mpi());
  const auto world = make_world();
  EXPECT_EQ(world->rank(), 0);
  EXPECT_EQ(world->size(), 1);
  EXPECT_EQ(world->group(std::array{0}, "tp")->kind(), "self");
}

// tp 2 × pp 2: neighbours are a tp group, ranks at distance 2 a pp group.
TEST(ThreadWorld, GroupsOfTwoAxesCross) {
  run_worlds(4, [](World& world) {
    const int r = world.rank();
    const auto tp = world.group(std::array{r / 2 * 2, r / 2 * 2 + 1}, "tp");
    const auto pp = world.group(std::array{r % 2, r % 2 + 2}, "pp");
    const auto none = world.group(std::array{r}, "dp");
    EXPECT_EQ(tp->rank(), r % 2);
    EXPECT_EQ(pp->rank(), r / 2);
    EXPECT_EQ(none->kind(), "self");
    for (int round = 0; round < 3; ++round) {
      testing::check_sums(*tp, even_bounds(8, 2), 100);
      testing::check_moves(*pp, DType::kBF16, 100);
    }
  });
}

TEST(ThreadWorld, TheSameMembersCanMeetInSeveralGroups) {
  run_worlds(2, [](World& world) {
    const auto first = world.group(std::array{0, 1}, "tp");
    const auto second = world.group(std::array{0, 1}, "tp");
    testing::check_sums(*second, even_bounds(8, 2), 10);
    testing::check_sums(*first, even_bounds(8, 2), 10);
  });
}

TEST(ThreadWorld, AbortReachesRanksInOtherGroups) {
  run_worlds(3, [](World& world) {
    std::array<int, 2> pair = {0, 1};
    std::unique_ptr<Communicator> group;
    if (world.rank() < 2) group = world.group(pair, "tp");
    const auto all = world.group(std::array{0, 1, 2}, "all");
    testing::check_sums(*all, even_bounds(8, 3), 10);
    if (world.rank() == 2) world.abort("rank 2 cannot read its shard");
    if (world.rank() != 0) return;
    float value = 0;
    EXPECT_THAT([&] { group->recv(Tensor(&value, {1}), 1); }, ThrowsMessage<CommError>("rank 2 cannot read its shard"));
  });
}

}  // namespace
}  // namespace kerf
