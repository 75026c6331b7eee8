#include "kerf/apps/settle_fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kerf/apps/auto_plan.h"
#include "kerf/apps/machine_cache.h"
#include "src/kerf/apps/llama_for_test.h"
#include "src/kerf/planner/probed_machine_for_test.h"
#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

class SettleFleetTest : public ::testing::Test {
 protected:
  SettleFleetTest() { EXPECT_TRUE(save_machine_file(testing::probed_machine(), file_).ok()); }

  [[nodiscard]] ServeOptions options() const {
    ServeOptions options;
    options.model.machine = file_;
    return options;
  }
  static PreparedModel model(DType kv_cache_dtype = DType::kBF16) {
    return {.dir = {},
            .model = testing::llama(16, 2048),
            .dtype = DType::kBF16,
            .quantization = Quantization::kNone,
            .kv_cache_dtype = kv_cache_dtype,
            .max_model_len = 4096};
  }

  testing::TempDir dir_;
  std::string file_ = (dir_.path() / "machine.json").string();
};

TEST_F(SettleFleetTest, AnOverrideStaysAndHearsItsPrice) {
  ServeOptions given = options();
  given.model.plan.dp = 4;
  given.model.cut_given = true;
  const SettledFleet fleet = settle_fleet(given, model()).value();
  EXPECT_EQ(given.model.plan.dp, 4);
  EXPECT_THAT(fleet.why, HasSubstr("dp 4: "));
  EXPECT_GT(fleet.predicted_tokens_per_s, 0);
  EXPECT_EQ(fleet.machine_file, file_);
}

TEST_F(SettleFleetTest, OverSeveralHostsTheCutIsChosenToo) {
  ServeOptions given = options();
  given.model.hosts = "here:2,there:2";
  given.model.threads = 1;
  const SettledFleet fleet = settle_fleet(given, model()).value();
  EXPECT_GE(given.model.plan.ranks(), 2) << "one thread a rank is all the user allows";
  EXPECT_EQ(given.model.plan.dp, 1) << "each replica's first rank is on the front's host";
  EXPECT_THAT(fleet.why, HasSubstr(cut_name(given.model.plan)));
}

TEST_F(SettleFleetTest, ThePredictionKnowsTheTypeOfTheKvCache) {
  ServeOptions given = options();
  const double wide = settle_fleet(given, model(DType::kF32)).value().predicted_tokens_per_s;
  const double narrow = settle_fleet(given, model(DType::kI8)).value().predicted_tokens_per_s;
  EXPECT_GT(narrow, wide);
}

TEST_F(SettleFleetTest, ReplicasOverSeveralHostsAreRefused) {
  ServeOptions given = options();
  given.model.hosts = "here:2,there:2";
  given.model.plan.dp = 2;
  given.model.cut_given = true;
  EXPECT_THAT(settle_fleet(given, model()).error().message, HasSubstr("--dp 2 over the hosts here:2,there:2"));
}

TEST_F(SettleFleetTest, ALargerModelMayTakeLongerToStart) {
  ServeOptions given = options();
  PreparedModel small = model();
  small.model = testing::llama(4, 256);
  EXPECT_LT(startup_limit_s(given, small), 120);
  EXPECT_GT(startup_limit_s(given, model()), 1.5 * startup_limit_s(given, small));
  given.startup_timeout_s = 7;
  EXPECT_EQ(startup_limit_s(given, model()), 7);
}

TEST_F(SettleFleetTest, AMachineFileThatIsNoneIsRefused) {
  ServeOptions given = options();
  given.model.machine = "/nowhere.json";
  EXPECT_THAT(settle_fleet(given, model()).error().message, HasSubstr("/nowhere.json"));
}

}  // namespace
}  // namespace kerf
