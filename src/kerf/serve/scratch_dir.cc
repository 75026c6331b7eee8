#include "kerf/serve/scratch_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace kerf {

namespace {

constexpr std::string_view kPrefix = "kerf-scratch-";

std::filesystem::path base() {
  std::error_code ignored;
  const auto path = std::filesystem::temp_directory_path(ignored);
  return path.empty() ? "/tmp" : path;
}

// The descriptor that holds the lock, or -1: somebody else does, or it cannot be had.
int lock(const std::filesystem::path& dir) {
  const int fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return -1;
}

// kerf-scratch-<pid>-…, and no such process is here.
bool is_orphan(const std::string& name) {
  if (!name.starts_with(kPrefix)) return false;
  int pid = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, pid);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '-') return false;
  std::error_code error;
  return !std::filesystem::exists(fmt::format("/proc/{}", pid), error) && !error;
}

}  // namespace

ScratchDir::ScratchDir() {
  std::string name = (base() / fmt::format("{}{}-XXXXXX", kPrefix, getpid())).string();
  if (mkdtemp(name.data()) == nullptr) return;
  path_ = name;
  lock_ = lock(path_);
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  if (lock_ >= 0) close(lock_);
}

std::vector<std::pair<std::string, std::string>> ScratchDir::environment() const {
  if (path_.empty()) return {};
  return {{"OMPI_MCA_orte_tmpdir_base", path_.string()}, {"OMPI_MCA_btl_vader_backing_directory", path_.string()}};
}

void remove_stale_scratch_dirs() {
  std::error_code error;
  std::vector<std::filesystem::path> orphans;
  for (const auto& entry : std::filesystem::directory_iterator(base(), error)) {
    if (is_orphan(entry.path().filename().string())) orphans.push_back(entry.path());
  }
  for (const auto& path : orphans) {
    const int held = lock(path);
    if (held < 0) continue;
    std::filesystem::remove_all(path, error);
    close(held);
  }
}

}  // namespace kerf
