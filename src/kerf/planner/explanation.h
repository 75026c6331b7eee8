// Explanation: why a plan won, where its time goes, what binds it, and what would change the choice. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/planner/flips.h"
#include "kerf/planner/search.h"

namespace kerf {

// A part of a step.
struct Share {
  std::string_view name;  // "weights", "all-reduce", …
  double seconds = 0;
  double share = 0;  // of the step
};

// The parts of a step that take any time, in the order in which StepCost lists them; the shares add up to 1.
[[nodiscard]] std::vector<Share> shares(const StepCost& step);

enum class Constraint : uint8_t {
  kMemoryBandwidth,
  kCompute,
  kCommunicationLatency,
  kCommunicationBandwidth,
  kOverhead,
  kBubble,
  kKvCapacity,  // fewer sequences run than are asked for
  kSlo,         // a plan that misses the SLO would be better
};
// "memory bandwidth", "KV capacity", …
[[nodiscard]] std::string_view name_of(Constraint constraint);

// The plan that everybody tries first: TP = devices per node, PP = nodes.
struct Baseline {
  Cut cut;
  std::optional<Candidate> candidate;  // none: it cannot be
  double advantage = 0;                // of the winner over it, in the objective
  std::string message;                 // one sentence
};

struct Explanation {
  Prediction winner;
  Constraint constraint = Constraint::kMemoryBandwidth;
  std::string binding;                 // "memory bandwidth binds: 71 % of a decode step reads weights"
  std::optional<Candidate> runner_up;  // the best plan whose replicas are cut otherwise
  double runner_up_behind = 0;         // advantage() of the winner over it
  std::string runner_up_message;
  Baseline baseline;
  std::vector<Flip> flips;
};

// REQUIRES: !result.ranked.empty()
[[nodiscard]] Explanation explain(const PlanProblem& problem, const SearchResult& result,
                                  const MakePredictor& make = cost_model_predictor());

// "TPOT 14.2 ms", "3,210 tokens/s", "$0.42 per million tokens".
[[nodiscard]] std::string objective_text(Objective objective, const Candidate& candidate);

// An advantage() in words: "12 % more", "3.4 times as many", "12 % less".
[[nodiscard]] std::string difference_text(Objective objective, double advantage);

}  // namespace kerf
