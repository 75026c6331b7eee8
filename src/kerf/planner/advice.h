// Advice: what is wrong with a plan or a command, what it costs, and what to write instead. `kerf lint` judges
// somebody's command with it and `kerf plan` its own winner: the rules are the same.
//
// Every rule is silent unless it is sure. A finding about speed needs a better plan on the same devices, found by the
// cost model for the same load; where neither objective nor load is stated, one that is better at low and at high load
// alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kerf/planner/command_line.h"
#include "kerf/planner/cost.h"
#include "kerf/planner/engine_spec.h"
#include "kerf/planner/workload.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"
#include "kerf/spec/plan.h"

namespace kerf {

enum class Severity : uint8_t {
  kNote,
  kWarning,  // costs 10 % or more
  kError,    // will not start, or will fail under the stated load
};
[[nodiscard]] std::string_view name_of(Severity severity);  // "note", "warning", "error"

struct Advice {
  std::string id;  // stable, see docs/lint.md
  Severity severity = Severity::kNote;
  std::string message;          // one or two sentences, with the numbers
  double predicted_loss = 0;    // per cent of the objective that is lost; of an error 100
  std::optional<Plan> better;   // the plan to use instead
  std::vector<Change> changes;  // the other settings to change
};

// What the user has said about the load; the rest is assumed.
struct StatedLoad {
  Workload workload;
  bool objective = false;    // --objective was given
  bool concurrency = false;  // --concurrency or --rate was given
  bool lengths = false;      // --isl or --osl was given
};

// What is judged. `command` is null for kerf's own plan.
struct AdviceSubject {
  ModelShape model;     // in the format that the command asks for
  MachineSpec machine;  // the devices that the command can see
  EngineSpec engine;    // with the command's limits in it
  StatedLoad load;
  Plan plan;
  const EngineCommand* command = nullptr;
  int64_t max_model_len = 0;  // of one sequence; 0 = the model's
};

// All findings, the worst first. Pure.
[[nodiscard]] std::vector<Advice> advise(const AdviceSubject& subject);

// Of a plan that the search has found, for a stated load.
[[nodiscard]] std::vector<Advice> advise(const ModelShape& model, const MachineSpec& machine, const EngineSpec& engine,
                                         const Workload& workload, const Plan& plan);

}  // namespace kerf
