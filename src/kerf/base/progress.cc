#include "kerf/base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace kerf {

namespace {
constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr int kWidth = 24;  // characters of the bar
}  // namespace

Progress::Progress(std::string_view label, int64_t total_bytes, bool enabled)
    : label_(label), total_(std::max<int64_t>(total_bytes, 1)), enabled_(enabled) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void Progress::update(int64_t bytes_done) {
  const auto now = std::chrono::steady_clock::now();
  if (!enabled_ || now - last_ < kInterval) return;
  last_ = now;
  drawn_ = true;
  const int64_t done = std::clamp<int64_t>(bytes_done, 0, total_);
  const auto filled = static_cast<int>(done * kWidth / total_);
  fmt::print(stderr, "\r\033[K{}  [{:#<{}}{:.<{}}] {:3d} %  {:.1f} of {:.1f} MB", label_, "", filled, "",
             kWidth - filled, done * 100 / total_, static_cast<double>(done) / 1e6, static_cast<double>(total_) / 1e6);
  std::fflush(stderr);
}

bool stderr_is_terminal() {
  const char* told = std::getenv("KERF_TERMINAL");
  return (told != nullptr && std::string_view(told) == "1") || isatty(STDERR_FILENO) == 1;
}

}  // namespace kerf
