// The cut of a server's model: as the command line says, or chosen for this machine, and why.
#pragma once

#include <string>

#include "kerf/apps/prepared_model.h"
#include "kerf/apps/serve_options.h"

namespace kerf {

// Sets tp, pp and dp of options.model.plan where the command line says nothing of them. Returns the sentence that says
// why, or what the given cut costs; empty when there are no figures to say it by. Fails when the user named a machine
// file that is none.
// Threading: may start a process; call it before any thread is started.
[[nodiscard]] Result<std::string> settle_fleet(ServeOptions& options, const PreparedModel& model);

// A step of the most tokens on slow cores: whoever has been silent for less may be at work.
[[nodiscard]] double longest_step_s(const ServeOptions& options, const PreparedModel& model);

}  // namespace kerf
