#include "kerf/apps/session_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

TEST(SessionRoom, WhatIsNotThereIsMissedInOneSentence) {
  const testing::TempDir dir;
  EXPECT_TRUE(check_session_room(dir.path(), 1).ok());
  const Status none = check_session_room(dir.path(), uintmax_t{1} << 62);
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message,
              ::testing::AllOf(::testing::HasSubstr(dir.path().string() + " has"), ::testing::HasSubstr("make room")));
}

TEST(SessionRoom, ADirectoryThatNobodyKnowsStopsNobody) {
  EXPECT_TRUE(check_session_room("/nowhere", uintmax_t{1} << 62).ok());
}

}  // namespace
}  // namespace kerf
