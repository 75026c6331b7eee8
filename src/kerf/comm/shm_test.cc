#include "kerf/comm/shm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kerf/comm/self.h"
#include "tests/support/collectives.h"
#include "tests/support/ranks.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

TEST(Self, DoesEveryCollective) {
  const auto group = make_self();
  EXPECT_EQ(group->size(), 1);
  testing::check_everything(*group);
}

class ThreadGroup : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Sizes, ThreadGroup, ::testing::Values(1, 2, 3, 4, 5, 6, 7, 8));

TEST_P(ThreadGroup, DoesEveryCollective) {
  testing::run_ranks(make_thread_group(GetParam()), [](Communicator& group) { testing::check_everything(group); });
}

}  // namespace
}  // namespace kerf
