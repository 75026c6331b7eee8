#include "kerf/apps/plan_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kerf/io/model_shape.h"
#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/planner/engine_catalog.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

PlanProblem problem_for(const std::string& model, const ClusterShape& machine) {
  PlanProblem problem;
  problem.model = load_model_shape(model).value();
  problem.machine = gpu_cluster(machine).value();
  problem.engine = find_engine("vllm").value();
  problem.workload.concurrency = 16;
  return problem;
}

nlohmann::json json_of(const PlanReport& report) { return nlohmann::json::parse(plan_json(report, 1000)); }

TEST(PlanJson, HoldsWhatItsReadersRelyOn) {
  const PlanReport report = make_plan_report(problem_for("Llama-3.1-70B", {.gpu = "H100-SXM"}), {.most_plans = 1000});
  const nlohmann::json json = json_of(report);
  ASSERT_FALSE(json["plans"].empty());
  for (const nlohmann::json& plan : json["plans"]) {
    for (const char* field : {"tp", "pp", "dp", "ep", "weight_gb_per_gpu", "kv_tokens", "ttft_ms", "tpot_ms",
                              "tokens_per_s", "comm_fraction", "bubble_fraction", "usd_per_million_tokens", "error"}) {
      EXPECT_TRUE(plan.at(field).is_number()) << field;
    }
    EXPECT_EQ(plan.at("fits"), true);
    EXPECT_TRUE(plan.at("why").is_string());
    EXPECT_THAT(plan.at("basis").get<std::string>(), ::testing::AnyOf("measured", "published", "assumed"));
    EXPECT_GT(plan.at("error").get<double>(), 0);
  }
  ASSERT_FALSE(json["rejected"].empty());
  for (const nlohmann::json& plan : json["rejected"]) {
    EXPECT_EQ(plan.at("fits"), false);
    EXPECT_THAT(plan.at("why").get<std::string>(), HasSubstr(" "));
  }
  EXPECT_TRUE(json["advice"].is_array());
  EXPECT_GE(json["pareto"].size(), 1u);
  EXPECT_FALSE(json["waterfall"]["decode"].empty());
  EXPECT_EQ(json["explanation"]["baseline"]["tp"], 8);
  EXPECT_EQ(json["plans_left_out"], 0);
  EXPECT_NEAR(json["plans"][0]["weight_gb_per_gpu"].get<double>() * json["plans"][0]["tp"].get<int>() *
                  json["plans"][0]["pp"].get<int>(),
              141.1, 1);
}

TEST(PlanJson, OfAModelThatFitsNowhereStillSaysWhy) {
  const PlanReport report = make_plan_report(problem_for("Llama-3.1-70B", {.gpu = "H100-SXM", .gpus_per_node = 1}), {});
  const nlohmann::json json = json_of(report);
  EXPECT_TRUE(json["plans"].empty());
  EXPECT_EQ(json["rejected"].size(), 1u);
  EXPECT_TRUE(json["explanation"].is_null());
  EXPECT_THAT(plan_text(report, {}), AllOf(HasSubstr("No plan works"), HasSubstr("141.1 GB")));
}

TEST(PlanText, SaysWhatWinsWhyAndHowSure) {
  PlanProblem problem = problem_for("Llama-3.1-70B", {.gpu = "H100-SXM"});
  problem.workload.slo_tpot_ms = 1;
  EXPECT_THAT(plan_text(make_plan_report(problem, {}), {}), HasSubstr("misses the SLO by"));
  problem.workload.slo_tpot_ms = 50;
  const std::string text = plan_text(make_plan_report(problem, {}), {});
  EXPECT_THAT(text, AllOf(HasSubstr("Llama-3.1-70B, 141.1 GB in bf16 on 8 H100-SXM, vllm"), HasSubstr("TPOT ≤ 50 ms"),
                          HasSubstr("binds"), HasSubstr("Runner-up"), HasSubstr("Rejected"), HasSubstr("±"),
                          HasSubstr("█"), Not(HasSubstr("nan")), Not(HasSubstr("inf "))));
  EXPECT_THAT(plan_text(make_plan_report(problem, {}), {.all_rejected = true}), HasSubstr("tp 3"));
}

TEST(PlanText, ShowsDifferentCutsOfALargeMachine) {
  PlanProblem problem = problem_for("Llama-3.1-70B", {.gpu = "H100-SXM", .nodes = 32});
  problem.workload.concurrency = 1024;
  const PlanReport report = make_plan_report(problem, {.most_plans = 10});
  ASSERT_EQ(report.plans.size(), 10u);
  EXPECT_EQ(report.plans[0].cut, report.result.ranked[0].cut);
  for (size_t i = 0; i < report.plans.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(report.plans[i].cut.tp == report.plans[j].cut.tp &&
                   report.plans[i].cut.pp == report.plans[j].cut.pp);
    }
  }
}

TEST(PlanReport, FrontGetsFasterAsItGetsSlower) {
  PlanProblem problem = problem_for("Llama-3.1-8B", {.gpu = "H100-SXM"});
  problem.find_concurrency = true;
  const PlanReport report = make_plan_report(problem, {});
  ASSERT_GE(report.pareto.size(), 3u);
  for (size_t i = 1; i < report.pareto.size(); ++i) {
    EXPECT_GE(report.pareto[i].tpot_ms, report.pareto[i - 1].tpot_ms);
    EXPECT_GT(report.pareto[i].tokens_per_s_device(), report.pareto[i - 1].tokens_per_s_device());
  }
}

}  // namespace
}  // namespace kerf
