#include "kerf/apps/mpirun_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace kerf {

namespace {

constexpr char kLastWords = '\x1e';
const std::string kFrame(74, '-');  // NOLINT(cert-err58-cpp)

// The first paragraph, in one line.
std::string first_paragraph(std::string_view text) {
  const size_t begin = text.find_first_not_of('\n');
  if (begin == std::string_view::npos) return {};
  std::string line(text.substr(begin, text.find("\n\n", begin) - begin));
  std::replace(line.begin(), line.end(), '\n', ' ');
  while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
  return line;
}

}  // namespace

std::string MpirunOutput::filter(std::string_view bytes) {
  held_ += bytes;
  std::string shown;
  while (true) {
    const size_t frame = held_.find(kFrame);
    const size_t words = held_.find(kLastWords);
    const size_t begin = std::min(frame, words);
    if (begin == std::string::npos) break;
    shown += held_.substr(0, begin);
    held_.erase(0, begin);
    if (frame < words) {
      const size_t end = held_.find(kFrame, kFrame.size());
      if (end == std::string::npos || held_.find('\n', end) == std::string::npos) return shown;
      take_banner(std::string_view(held_).substr(kFrame.size(), end - kFrame.size()));
      held_.erase(0, held_.find('\n', end) + 1);
    } else {
      const size_t end = held_.find('\n');
      if (end == std::string::npos) return shown;
      if (last_words_.empty()) last_words_ = held_.substr(1, end - 1);
      held_.erase(0, end + 1);
    }
  }
  // A frame may have begun at the end.
  const size_t dashes = held_.size() - (held_.find_last_not_of('-') + 1);
  shown += held_.substr(0, held_.size() - dashes);
  held_.erase(0, held_.size() - dashes);
  return shown;
}

std::string MpirunOutput::rest() {
  const bool framed = held_.starts_with(kFrame) || held_.starts_with(kLastWords);
  return framed ? std::string() : std::exchange(held_, {});
}

void MpirunOutput::take_banner(std::string_view banner) {
  const std::string line = first_paragraph(banner);
  int rank = 0;
  int signal = 0;
  std::array<char, 256> host{};
  std::array<char, 64> name{};
  if (std::sscanf(line.c_str(),
                  "%*s noticed that process rank %d with PID %*d on node %255s exited on signal %d (%63[^)]", &rank,
                  host.data(), &signal, name.data()) == 4) {
    killed_ = fmt::format("rank {} on host {} was killed by signal {} ({}); the job ends", rank, host.data(), signal,
                          name.data());
  } else if (banner_.empty() && line.find("exit code") == std::string::npos &&
             line.find("non-zero status") == std::string::npos && !line.starts_with("MPI_ABORT")) {
    banner_ = line;
  }
}

std::optional<std::string> MpirunOutput::reason() const {
  if (!killed_.empty()) return "kerf: " + killed_;
  if (!last_words_.empty()) return last_words_;
  if (!banner_.empty()) return "kerf: mpirun could not run the ranks: " + banner_;
  return std::nullopt;
}

}  // namespace kerf
