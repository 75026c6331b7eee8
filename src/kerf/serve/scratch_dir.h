// ScratchDir: a directory for what a replica's Open MPI keeps on disk: five megabytes that it leaves behind when it is
// killed.
#pragma once

#include <filesystem>

namespace kerf {

// <temporary directory>/kerf-front-<pid>-XXXXXX, locked, gone with the object.
class ScratchDir {
 public:
  // Where it cannot be made (a full disk) the path is empty, and Open MPI does as it does without.
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;  // shows that somebody lives where pids do not: in another container, on another host
};

// Removes those of fronts that are no more: one that was killed could not.
void remove_stale_scratch_dirs();

}  // namespace kerf
