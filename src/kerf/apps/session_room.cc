#include "kerf/apps/session_room.h"

#include <cstdlib>
#include <system_error>

namespace kerf {

std::filesystem::path session_directory() {
  if (const char* told = std::getenv("OMPI_MCA_orte_tmpdir_base")) return told;
  std::error_code ignored;
  return std::filesystem::temp_directory_path(ignored);
}

Status check_session_room(const std::filesystem::path& dir, uintmax_t bytes) {
  std::error_code unknown;
  const std::filesystem::space_info room = std::filesystem::space(dir, unknown);
  if (unknown || room.available >= bytes) return Ok{};
  return fail("{} has {:.1f} MB left, and Open MPI needs {:.1f} there to start ranks: make room, or set TMPDIR",
              dir.string(), static_cast<double>(room.available) / 1e6, static_cast<double>(bytes) / 1e6);
}

}  // namespace kerf
