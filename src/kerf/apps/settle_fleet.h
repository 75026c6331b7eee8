// The cut of a server's model: as the command line says, or chosen for this machine, and why.
#pragma once

#include <optional>
#include <string>

#include "kerf/apps/prepared_model.h"
#include "kerf/apps/serve_options.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

struct SettledFleet {
  std::string why;  // why this cut, or what the given one costs; empty when there are no figures to say it by
  std::optional<MachineSpec> machine;
  std::string machine_file;           // where it was read from; empty: nowhere that can be read again
  double predicted_tokens_per_s = 0;  // of all replicas under the load that was planned for; 0 = no prediction
};

// Sets tp, pp and dp of options.model.plan where the command line says nothing of them. Fails when the user named a
// machine file that is none, or wants several replicas over several hosts.
// Threading: may start a process; call it before any thread is started.
[[nodiscard]] Result<SettledFleet> settle_fleet(ServeOptions& options, const PreparedModel& model);

// A step of the most tokens on slow cores: whoever has been silent for less may be at work.
[[nodiscard]] double longest_step_s(const ServeOptions& options, const PreparedModel& model);

// --startup-timeout, or what the model may take from a slow disk that all replicas read at once.
[[nodiscard]] double startup_limit_s(const ServeOptions& options, const PreparedModel& model);

}  // namespace kerf
