// The file of kerf serve's --trace: the front's requests and what every rank of every replica did.
#pragma once

#include <filesystem>

#include "kerf/serve/seeing/observer.h"

namespace kerf {

// Where a replica leaves its part when it ends in order; one that is killed leaves none.
[[nodiscard]] std::filesystem::path trace_part(const std::filesystem::path& path, int replica);

// Writes the file, whole or not at all, and removes the parts of `replicas` replicas.
[[nodiscard]] Status write_server_trace(const std::filesystem::path& path, int replicas, const Observer& observer);

}  // namespace kerf
