// Lint: somebody's serving command, judged on a machine.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/planner/advice.h"

namespace kerf {

struct Finding {
  Advice advice;
  std::string fix;  // the whole command, corrected; empty when no flag of it can help
};

struct LintReport {
  EngineCommand command;
  AdviceSubject subject;          // its `command` points at the one above: copy neither alone
  std::vector<Finding> findings;  // the worst first
  std::vector<Workload> loads;    // that speed was judged under

  [[nodiscard]] bool has_errors() const;
};

// arguments: what stands behind `--`. model: to be judged in place of the command's own, which may be a name that kerf
// doesn't know; empty = the command's. The machine's domains have been found.
[[nodiscard]] Result<std::unique_ptr<LintReport>> lint(std::span<const std::string> arguments,
                                                       const MachineSpec& machine, const StatedLoad& load,
                                                       const std::string& model);

}  // namespace kerf
