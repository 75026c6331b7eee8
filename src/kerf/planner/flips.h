// What would have to change for another plan to win: found by judging the plans again under other workloads, links and
// SLOs, and bisecting. Pure.
#pragma once

#include <string>
#include <vector>

#include "kerf/planner/search.h"

namespace kerf {

struct Flip {
  std::string knob;      // "isl", "concurrency", "rate", "link", "network", "slo_tpot_ms", "slo_ttft_ms", "objective"
  double threshold = 0;  // the knob's value where the choice changes; 0 for "objective"
  bool above = true;     // the other plan wins above the threshold, otherwise below
  Candidate winner;      // under the changed conditions
  std::string message;   // "with prompts above 6,100 tokens, tp 4 × pp 2 wins"
};

// ranked: the search's, best first. Judges about a hundred plans some hundred times.
[[nodiscard]] std::vector<Flip> find_flips(const PlanProblem& problem, const std::vector<Candidate>& ranked,
                                           const MakePredictor& make = cost_model_predictor());

// The machine with its links inside nodes and between nodes this much faster (bandwidth; latency stays).
[[nodiscard]] MachineSpec with_faster_links(MachineSpec machine, double inside, double between);

}  // namespace kerf
