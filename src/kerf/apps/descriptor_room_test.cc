#include "kerf/apps/descriptor_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

class DescriptorRoom : public ::testing::Test {
 protected:
  DescriptorRoom() { EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0); }
  ~DescriptorRoom() override { setrlimit(RLIMIT_NOFILE, &before_); }
  static rlim_t limit() {
    rlimit now{};
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
    return now.rlim_cur;
  }
  void lower_to(rlim_t soft) const {
    const rlimit lower{.rlim_cur = soft, .rlim_max = before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
  }
  rlimit before_{};
};

TEST_F(DescriptorRoom, WhatMayBeHadIsHad) {
  lower_to(32);
  EXPECT_TRUE(ensure_descriptors(20, "a server").ok());
  EXPECT_EQ(limit(), 32U) << "there were enough";
  EXPECT_TRUE(ensure_descriptors(48, "a server").ok());
  EXPECT_EQ(limit(), 48U);
}

TEST_F(DescriptorRoom, WhatMayNotBeHadIsMissedInOneSentence) {
  if (before_.rlim_max == RLIM_INFINITY) GTEST_SKIP() << "there is no limit";
  const Status none = ensure_descriptors(before_.rlim_max + 1, "a server");
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, ::testing::HasSubstr("and a server needs"));
}

}  // namespace
}  // namespace kerf
