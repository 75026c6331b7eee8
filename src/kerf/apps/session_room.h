// Room on disk for what Open MPI keeps while a job runs: without it, it fails in many words that do not say so.
#pragma once

#include <cstdint>
#include <filesystem>

#include "kerf/base/result.h"

namespace kerf {

// Five megabytes were seen with two ranks, and little more with each other one.
inline constexpr uintmax_t kSessionBytes = uintmax_t{8} << 20;

// Where Open MPI will keep it: $OMPI_MCA_orte_tmpdir_base, else the directory for temporary files.
[[nodiscard]] std::filesystem::path session_directory();

// Fails when so much is not free in `dir`; where nobody can tell, it is taken to be.
[[nodiscard]] Status check_session_room(const std::filesystem::path& dir, uintmax_t bytes = kSessionBytes);

}  // namespace kerf
