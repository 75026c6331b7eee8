#include "kerf/serve/router.h"

#include <gtest/gtest.h>

#include <vector>

namespace kerf {
namespace {

TEST(Route, TheLeastWorkWins) {
  EXPECT_EQ(route(std::vector<RouteCandidate>{{.outstanding_tokens = 300}, {.outstanding_tokens = 200}}, 50), 1U);
}

TEST(Route, TheFirstAmongEquals) { EXPECT_EQ(route(std::vector<RouteCandidate>(3), 50), 0U); }

TEST(Route, ACachedPrefixDrawsUntilItsReplicaHasMoreToDoThanThePrefixIsWorth) {
  std::vector<RouteCandidate> two = {{}, {.outstanding_tokens = 900, .cached_tokens = 1000}};
  EXPECT_EQ(route(two, 1100), 1U);
  two[1].outstanding_tokens = 1001;
  EXPECT_EQ(route(two, 1100), 0U);
}

TEST(Route, ClosedOnesGetNothing) {
  EXPECT_EQ(route(std::vector<RouteCandidate>{{.open = false}, {.outstanding_tokens = 1'000'000}}, 5), 1U);
  EXPECT_FALSE(route(std::vector<RouteCandidate>{{.open = false}}, 5));
  EXPECT_FALSE(route({}, 5));
}

}  // namespace
}  // namespace kerf
