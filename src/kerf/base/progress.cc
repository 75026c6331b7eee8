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

Progress::Progress(std::string_view label, int64_t total, double unit, std::string_view unit_name, bool enabled)
    : label_(label), total_(std::max<int64_t>(total, 1)), unit_(unit), unit_name_(unit_name), enabled_(enabled) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void Progress::update(int64_t amount) {
  const auto now = std::chrono::steady_clock::now();
  if (!enabled_ || now - last_ < kInterval) return;
  last_ = now;
  drawn_ = true;
  const int64_t done = std::clamp<int64_t>(amount, 0, total_);
  const auto filled = static_cast<int>(done * kWidth / total_);
  fmt::print(stderr, "\r\033[K{}  [{:#<{}}{:.<{}}] {:3d} %  {:.0f} of {:.0f} {}", label_, "", filled, "",
             kWidth - filled, done * 100 / total_, static_cast<double>(done) / unit_,
             static_cast<double>(total_) / unit_, unit_name_);
  std::fflush(stderr);
}

bool stderr_is_terminal() {
  const char* told = std::getenv("KERF_TERMINAL");
  return (told != nullptr && std::string_view(told) == "1") || isatty(STDERR_FILENO) == 1;
}

}  // namespace kerf
