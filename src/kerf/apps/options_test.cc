#include "kerf/apps/options.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(ParseIds, ReadsAList) {
  EXPECT_EQ(parse_ids("1,22,333").value(), (std::vector<int32_t>{1, 22, 333}));
  EXPECT_EQ(parse_ids("0").value(), std::vector<int32_t>{0});
}

TEST(ParseIds, RefusesAnythingElse) {
  for (const char* text : {"", ",", "1,", ",1", "1,,2", "1 2", "x", "-1", "1.5", "99999999999"}) {
    EXPECT_FALSE(parse_ids(text).ok()) << text;
  }
}

}  // namespace
}  // namespace kerf
