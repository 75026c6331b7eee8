// Search: every plan for a model on a machine, judged, ranked, or rejected with a reason. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kerf/planner/cost.h"
#include "kerf/planner/plan_space.h"
#include "kerf/planner/workload.h"

namespace kerf {

struct PlanProblem {
  ModelShape model;
  MachineSpec machine;  // domains found, at most kMaxPlanDevices
  EngineSpec engine;
  Workload workload;
  bool find_concurrency =
      false;  // per plan the load at which it is best under the SLO, in place of workload.concurrency
};

// Predicts plans under one workload. CostModel, unless a test puts something simpler in its place.
using Predictor = std::function<Prediction(const Plan&)>;
using MakePredictor =
    std::function<Predictor(const ModelShape&, const MachineSpec&, const EngineSpec&, const Workload&)>;
[[nodiscard]] MakePredictor cost_model_predictor();

enum class Rejection : uint8_t { kLayers, kShards, kExperts, kWeights, kKvCache, kIdleReplicas, kOther };
// "more stages than layers", …
[[nodiscard]] std::string_view name_of(Rejection rejection);

struct Rejected {
  Cut cut;  // the smallest of those that it stands for
  Rejection reason = Rejection::kOther;
  int64_t configurations = 1;  // with more replicas, SP, other microbatches: rejected for the same reason
};

// A plan that works, in numbers.
struct Candidate {
  Cut cut;
  double concurrency = 0;  // over all replicas
  double ttft_ms = 0;
  double tpot_ms = 0;
  double tokens_per_s = 0;
  double usd_per_million_tokens = 0;
  double score = 0;       // of the problem's objective; less is better
  double slo_excess = 0;  // how far it misses the SLO: the largest of ttft/SLO, tpot/SLO and rate/sustained, minus 1
  bool falls_behind = false;  // open loop: it cannot keep up with the rate
  bool per_device = false;    // open loop: all that keep up give the same tokens, so that devices are what counts
  [[nodiscard]] bool meets_slo() const { return slo_excess <= 0; }
  [[nodiscard]] double tokens_per_s_device() const { return tokens_per_s / cut.devices(); }
};

struct SearchResult {
  std::vector<Candidate> ranked;   // best first; those that miss the SLO come last
  std::vector<Rejected> rejected;  // in the order of (tp, pp, dp, ep)
  int64_t configurations = 0;      // looked at, rejected ones included
  int64_t predictions = 0;         // calls of the predictor
  std::vector<Candidate> loads;  // find_concurrency: every load that was tried, of one replica where replicas are alike
};

[[nodiscard]] SearchResult search(const PlanProblem& problem, const MakePredictor& make = cost_model_predictor());

// Judges and ranks these cuts alone: what the search would say of them under another workload or machine.
[[nodiscard]] std::vector<Candidate> judge(const PlanProblem& problem, const std::vector<Cut>& cuts,
                                           const MakePredictor& make = cost_model_predictor());
// With a builder that serves several calls; its machine may differ from the problem's in the speed of links.
[[nodiscard]] std::vector<Candidate> judge(const PlanProblem& problem, const std::vector<Cut>& cuts,
                                           PlanBuilder& builder, const MakePredictor& make);

// The best of each (tp, pp, dp, ep), in the order of `ranked`.
[[nodiscard]] std::vector<Candidate> best_of_each_shape(const std::vector<Candidate>& ranked);

// One figure for the objective, less is better: its logarithm, and small weights that let of nearly equal plans the one
// win that takes fewer devices, answers sooner, and needs fewer settings.
[[nodiscard]] double score(Objective objective, const Candidate& candidate);
// By the SLO first, then by the score.
[[nodiscard]] bool better(const Candidate& a, const Candidate& b);

// The figure that the objective compares: tpot_ms, tokens_per_s (at a given rate, of a device), usd_per_million_tokens
// (device-seconds per million tokens where no price is known).
[[nodiscard]] double objective_value(Objective objective, const Candidate& candidate);
// By how much a beats b in it: 0.1 = 10 % less time or money, or 10 % more tokens.
[[nodiscard]] double advantage(Objective objective, const Candidate& a, const Candidate& b);

// The whole predictions of candidates, in their order.
[[nodiscard]] std::vector<Prediction> predict_all(const PlanProblem& problem, const std::vector<Candidate>& candidates,
                                                  const MakePredictor& make = cost_model_predictor());
[[nodiscard]] Prediction predict(const PlanProblem& problem, const Candidate& candidate,
                                 const MakePredictor& make = cost_model_predictor());

// "misses the SLO by 12 %", "keeps up with 3.3 of 200 requests a second"; empty when it does neither.
[[nodiscard]] std::string slo_text(const PlanProblem& problem, const Candidate& candidate);

// One sentence: why a plan was rejected.
[[nodiscard]] std::string why(const PlanProblem& problem, const Rejected& rejected,
                              const MakePredictor& make = cost_model_predictor());

}  // namespace kerf
