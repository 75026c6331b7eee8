// The tests of a real MPI job: run by mpirun, on one host or several. Every rank runs every test.
//
//   mpirun -np 4 comm_ranks [--gtest_filter=…]   KERF_EXPECT_KIND=shm|mpi: what groups must be
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "kerf/comm/world.h"
#include "tests/support/collectives.h"

namespace kerf {
namespace {

World* world = nullptr;

std::vector<int> everyone() {
  std::vector<int> ranks(static_cast<size_t>(world->size()));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

TEST(World, KnowsItsRanks) {
  EXPECT_EQ(std::to_string(world->size()), std::getenv("OMPI_COMM_WORLD_SIZE"));
  EXPECT_EQ(std::to_string(world->rank()), std::getenv("OMPI_COMM_WORLD_RANK"));
  EXPECT_FALSE(world->host(world->rank()).empty());
}

TEST(World, AllRanksDoEveryCollective) {
  const auto group = world->group(everyone(), "all");
  ASSERT_EQ(group->size(), world->size());
  if (const char* kind = std::getenv("KERF_EXPECT_KIND")) {
    EXPECT_EQ(group->kind(), kind);
  }
  testing::check_everything(*group);
}

// As a plan with tp 2 makes them: several groups at once, ranks in another order than the world's.
TEST(World, PairsAndTheirOppositesWorkSideBySide) {
  const int first = world->rank() / 2 * 2;
  std::vector<int> pair = {std::min(first + 1, world->size() - 1), first};
  if (pair[0] == pair[1]) pair.pop_back();
  const auto mine = world->group(pair, "pair");
  const auto all = world->group(everyone(), "all");
  EXPECT_EQ(pair[static_cast<size_t>(mine->rank())], world->rank());
  for (int round = 0; round < 3; ++round) {
    testing::check_sums(*mine, even_bounds(8, mine->size()), 2048);
    testing::check_sums(*all, even_bounds(16, all->size()), 300);
    testing::check_moves(*mine, DType::kF32, 500);
  }
}

TEST(World, AnAbortReachesEveryMember) {
  const auto group = world->group(everyone(), "all");
  if (group->size() == 1) GTEST_SKIP() << "nobody to tell";
  if (group->rank() == group->size() - 1) group->abort("the last rank had enough");
  float value = 1;
  try {
    // The rank that aborted fails as well: nobody goes on alone.
    while (true) group->broadcast(Tensor(&value, {1}), 0);
  } catch (const CommError& error) {
    EXPECT_STREQ(error.what(), "the last rank had enough");
  }
}

}  // namespace
}  // namespace kerf

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const auto world = kerf::make_world();
  kerf::world = world.get();
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (world->rank() != 0) delete listeners.Release(listeners.default_result_printer());
  return RUN_ALL_TESTS();
}
