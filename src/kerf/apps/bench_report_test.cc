#include "kerf/apps/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

BenchResult measured() {
  BenchResult result{.test = {.batch = 2, .prompt = 128, .decode = 64},
                     .tokens_per_s = 60,
                     .predicted_tokens_per_s = 66,
                     .limit_tokens_per_s = 80,
                     .repetitions = 5};
  result.comm[CommOp::kAllReduce] = 0.12;
  result.comm[CommOp::kSend] = 0.04;
  return result;
}

TEST(BenchReport, TheTableShowsMeasuredPredictedLimitAndCollectives) {
  const std::string table = bench_table({measured()});
  for (const char* part : {"60.0", "66.0", "+10 %", "80.0", "75 %", "16 %", "all_reduce 12 %, send 4 %"}) {
    EXPECT_THAT(table, HasSubstr(part));
  }
}

TEST(BenchReport, WithoutAMachineThereIsNoLimitAndNoPrediction) {
  BenchResult result = measured();
  result.predicted_tokens_per_s = result.limit_tokens_per_s = 0;
  result.comm = {};
  EXPECT_THAT(bench_table({result}),
              AllOf(HasSubstr("no prediction"), Not(HasSubstr("limit:")), Not(HasSubstr("all_reduce"))));
  const nlohmann::ordered_json json = to_json(result);
  EXPECT_TRUE(json["predicted_tokens_per_s"].is_null());
  EXPECT_TRUE(json["limit_tokens_per_s"].is_null());
  EXPECT_TRUE(json["comm"].empty());
}

TEST(BenchReport, JsonHasEveryCollectivesShare) {
  const nlohmann::ordered_json json = to_json(measured());
  EXPECT_NEAR(json["comm_fraction"].get<double>(), 0.16, 1e-12);
  EXPECT_EQ(json["comm"].size(), 2);
  EXPECT_NEAR(json["comm"]["all_reduce"].get<double>(), 0.12, 1e-12);
  EXPECT_NEAR(json["limit_fraction"].get<double>(), 0.75, 1e-12);
  EXPECT_EQ(json["depth"], 128);
}

TEST(BenchReport, MuchCommunicationIsWarnedOf) {
  const std::vector<std::string> warnings = comm_warnings({measured()});
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_THAT(warnings[0], AllOf(HasSubstr("decode 64 x 2: 16 % of the time"), HasSubstr("all_reduce 12 %")));
  BenchResult little = measured();
  little.comm[CommOp::kSend] = 0.02;
  EXPECT_TRUE(comm_warnings({little}).empty());
}

}  // namespace
}  // namespace kerf
