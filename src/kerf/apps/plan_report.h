// What kerf plan has to say, before it is words or JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kerf/planner/advice.h"
#include "kerf/planner/explanation.h"
#include "kerf/planner/search.h"

namespace kerf {

struct PlanReport {
  PlanProblem problem;
  std::string quantization;  // as asked for; empty = the checkpoint's own
  SearchResult result;
  double search_s = 0;

  std::vector<Candidate> plans;         // the best of each (tp, pp, dp, ep), best first, as many as are shown
  std::vector<Prediction> predictions;  // of each of them
  size_t plans_left_out = 0;
  std::optional<Explanation> explanation;  // none: nothing works
  std::vector<Candidate> pareto;           // by ascending TPOT
  std::vector<Advice> advice;              // what is worth knowing of the winner
  std::string commands;                    // --emit
};

struct PlanReportOptions {
  size_t most_plans = 10;
  bool find_flips = true;
};

// Searches and explains. REQUIRES: 1 … kMaxPlanDevices devices
[[nodiscard]] PlanReport make_plan_report(PlanProblem problem, const PlanReportOptions& options);

// "405 GB of weights in fp8", …: the model in a few words.
[[nodiscard]] std::string describe_model(const ModelShape& model);
// "2 nodes of 8 H100-SXM".
[[nodiscard]] std::string describe_machine(const MachineSpec& machine);
[[nodiscard]] std::string describe_workload(const PlanProblem& problem);
// One sentence for a plan of the list.
[[nodiscard]] std::string why(const PlanReport& report, size_t plan);

struct PlanTextOptions {
  bool all_rejected = false;
  size_t columns = 100;
};
[[nodiscard]] std::string plan_text(const PlanReport& report, const PlanTextOptions& options);

// One JSON document. most_rejected: longer lists are cut, and the counts by reason say what is missing.
[[nodiscard]] std::string plan_json(const PlanReport& report, size_t most_rejected);

}  // namespace kerf
