// The chat of kerf run: a conversation on standard input and output.
#pragma once

#include <string>

#include "kerf/apps/job.h"

namespace kerf {

// Each line of standard input is a turn of the user, until its end or "/exit". With the model's chat
// template; a model without one continues each line as plain text, and is told to be such.
[[nodiscard]] Status run_chat(Job& job, const SamplingParams& params, const std::string& system);

}  // namespace kerf
