// ScratchDir: a directory for what a job's Open MPI keeps on disk: five megabytes that it leaves behind when it is
// killed.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace kerf {

// <temporary directory>/kerf-scratch-<pid>-<six letters>, locked, gone with the object.
class ScratchDir {
 public:
  // Where it cannot be made (a full disk) the path is empty, and Open MPI does as it does without.
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Variables, and their values, that make Open MPI keep its things there; none where there is no directory.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment() const;

 private:
  std::filesystem::path path_;
  int lock_ = -1;  // shows that somebody lives where pids do not: in another container, on another host
};

// Removes those of processes that are no more: one that was killed could not.
void remove_stale_scratch_dirs();

}  // namespace kerf
