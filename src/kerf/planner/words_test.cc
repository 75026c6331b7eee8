#include "kerf/planner/words.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(Words, NumbersReadAsPeopleWriteThem) {
  EXPECT_EQ(with_commas(6100), "6,100");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(37), "37");
  EXPECT_EQ(with_commas(3.25), "3.2");
  EXPECT_EQ(with_commas(0.037), "0.037");
  EXPECT_EQ(with_commas(-6100), "-6,100");
}

TEST(Words, ThresholdsHaveTwoDigits) {
  EXPECT_EQ(round_to_two_digits(6134), 6100);
  EXPECT_EQ(round_to_two_digits(37.4), 37);
  EXPECT_EQ(round_to_two_digits(0.0371), 0.037);
  EXPECT_EQ(round_to_two_digits(0), 0);
}

TEST(Words, SharesAndTimes) {
  EXPECT_EQ(per_cent(0.1234), "12 %");
  EXPECT_EQ(per_cent(0.0123), "1.2 %");
  EXPECT_EQ(duration(45e-6), "45 us");
  EXPECT_EQ(duration(0.0123), "12.3 ms");
  EXPECT_EQ(duration(1.2345), "1234 ms");
  EXPECT_EQ(duration(12.34), "12.3 s");
}

}  // namespace
}  // namespace kerf
