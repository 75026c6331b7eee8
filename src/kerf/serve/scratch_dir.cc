#include "kerf/serve/scratch_dir.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace kerf {

namespace {

constexpr std::string_view kPrefix = "kerf-front-";

std::filesystem::path base() {
  std::error_code ignored;
  const auto path = std::filesystem::temp_directory_path(ignored);
  return path.empty() ? "/tmp" : path;
}

}  // namespace

ScratchDir::ScratchDir() {
  std::string name = (base() / fmt::format("{}{}-XXXXXX", kPrefix, getpid())).string();
  if (mkdtemp(name.data()) != nullptr) path_ = name;
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

void remove_stale_scratch_dirs() {
  std::error_code error;
  std::vector<std::filesystem::path> stale;
  for (const auto& entry : std::filesystem::directory_iterator(base(), error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    int pid = 0;
    const char* digits = name.data() + kPrefix.size();
    const auto parsed = std::from_chars(digits, name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr == name.data() + name.size() || *parsed.ptr != '-') continue;
    if (!std::filesystem::exists(fmt::format("/proc/{}", pid), error)) stale.push_back(entry.path());
  }
  for (const auto& path : stale) std::filesystem::remove_all(path, error);
}

}  // namespace kerf
