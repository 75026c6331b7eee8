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

TEST(KvCacheDtype, IsTheWeightsOrWhatIsAskedFor) {
  ModelOptions options;
  EXPECT_EQ(choose_kv_cache_dtype(options, DType::kF16).value(), DType::kF16);
  options.kv_cache_dtype = "float32";
  EXPECT_EQ(choose_kv_cache_dtype(options, DType::kF16).value(), DType::kF32);
  options.kv_cache_dtype = "int8";
  EXPECT_EQ(choose_kv_cache_dtype(options, DType::kF16).value(), DType::kI8);
}

}  // namespace
}  // namespace kerf
