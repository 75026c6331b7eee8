// The plans that there are: what an engine can be told, and a plan small enough to keep hundreds of thousands of.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "kerf/planner/engine_spec.h"
#include "kerf/planner/placement.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"
#include "kerf/spec/plan.h"

namespace kerf {

inline constexpr int kMaxPlanDevices = 4096;

struct Cut {
  int tp = 1;
  int pp = 1;
  int dp = 1;
  int ep = 1;
  int microbatches = 0;  // 0 = one per stage
  bool sp = false;
  bool fitted_layers = false;  // layers per stage by what the stages have to do, not even

  [[nodiscard]] int devices() const { return tp * pp * dp; }
  // Who holds which weights; SP, microbatches and the fit of layers left aside.
  [[nodiscard]] bool same_shape(const Cut& other) const {
    return tp == other.tp && pp == other.pp && dp == other.dp && ep == other.ep;
  }
  auto operator<=>(const Cut&) const = default;
};

// "tp 4 × pp 2 × dp 2, ep 8, sp"; axes of size 1 are left out, "one device" when all are.
[[nodiscard]] std::string to_string(const Cut& cut);

// What an engine lets its user choose.
struct EngineRules {
  bool sp = false;                   // sequence parallelism can be switched on
  bool microbatches = false;         // their number can be set
  bool ep_partial = false;           // any ep that divides tp · dp; otherwise 1 or tp · dp
  int max_tp_of_shared_experts = 0;  // the largest tp with which replicas can share experts (ep > 1 and dp > 1)
};
[[nodiscard]] EngineRules engine_rules(const EngineSpec& engine);

// The values of ep to be tried for (tp, dp), ascending; {1} for a dense model. With ep > 1 the experts of a layer are
// spread over all replicas (memory.h).
[[nodiscard]] std::vector<int> ep_choices(const ModelShape& model, const EngineRules& rules, int tp, int dp);

// Values of microbatches beside 0: powers of two below pp, and 2·pp, where the engine can be told.
[[nodiscard]] std::vector<int> microbatch_choices(const EngineRules& rules, int pp);

// Makes the Plan of a Cut: layers per stage, and weights of unequal ranks where the engine takes them.
// Threading: one caller at a time.
class PlanBuilder {
 public:
  // Keeps references.
  PlanBuilder(const ModelShape& model, const MachineSpec& machine, const EngineSpec& engine)
      : model_(model), engine_(engine), placer_(machine) {}

  [[nodiscard]] Placer& placer() { return placer_; }

  // Whether fitted layers differ from even ones for this (tp, pp, dp), and the engine takes them.
  [[nodiscard]] bool has_fitted_layers(const Cut& cut);
  [[nodiscard]] Plan plan(const Cut& cut);

 private:
  std::vector<int64_t> fitted_layers(const Cut& cut);

  const ModelShape& model_;
  const EngineSpec& engine_;
  Placer placer_;
  std::map<int, std::vector<int64_t>> balanced_;  // by pp, of equal devices
};

}  // namespace kerf
