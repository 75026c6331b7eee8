// The file of --trace.
#pragma once

#include <filesystem>
#include <vector>

#include "kerf/base/trace_json.h"

namespace kerf {

// Whether it can be written, asked before any work is done.
[[nodiscard]] Status check_trace_file(const std::filesystem::path& path);

// Whole or not at all.
[[nodiscard]] Status write_trace_file(const std::filesystem::path& path, const std::vector<TraceTrack>& tracks);

}  // namespace kerf
