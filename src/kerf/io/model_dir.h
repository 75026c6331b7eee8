// A model directory as a user names it.
#pragma once

#include <filesystem>

#include "kerf/base/result.h"

namespace kerf {

// Fails when dir is missing, or is one of the files inside.
[[nodiscard]] Status require_model_dir(const std::filesystem::path& dir);

}  // namespace kerf
