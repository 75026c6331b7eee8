#include "kerf/apps/mpirun_stderr.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <utility>

#include "kerf/apps/lifeline.h"

namespace kerf {

namespace {

constexpr size_t kRule = 60;  // Open MPI's banners stand between two lines of 74 dashes or more
constexpr std::string_view kMpirun = "mpirun: ";

// Banners about how the job ended: the launcher says it in its own words, or a rank has said why.
constexpr std::array<std::string_view, 7> kEndings = {
    "exited on signal",      "non-zero exit code",           "non-zero status",  "exiting improperly",
    "MPI_ABORT was invoked", "without calling \"finalize\"", "daemon received a"};

// Lines "[host:pid] …" about Open MPI's inner workings: as a rule that a peer is gone.
constexpr std::array<std::string_view, 5> kMachinery = {"plm:rsh: Warning", "help message", "ORTE_ERROR_LOG",
                                                        "PMIX ERROR", "OPAL ERROR"};

bool contains_any(std::string_view text, std::span<const std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

std::string in_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == '\n' || c == ' ' || c == '\t';
    if (!space) line += c;
    if (space && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

std::string MpirunStderr::feed(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (state_ == State::kRanks) {
      if (c == '-') {
        held_ += c;
      } else if (c == '\n' && held_.size() >= kRule) {
        held_.clear();
        state_ = State::kBanner;
      } else {
        out += std::exchange(held_, {});
        if (c == kLastWordsTag) {
          state_ = State::kLastWords;
        } else if (line_start_ && (c == '[' || c == kMpirun[0])) {
          held_ = c;
          state_ = State::kMpirunLine;
        } else {
          out += c;
        }
      }
      line_start_ = c == '\n';
      continue;
    }
    held_ += c;
    if (state_ == State::kBanner) {
      if (c == '\n') end_banner();
    } else if (c == '\n') {
      end_line(out);
    } else if (state_ == State::kMpirunLine && held_[0] != '[' && !kMpirun.starts_with(held_) &&
               !held_.starts_with(kMpirun)) {
      out += std::exchange(held_, {});
      state_ = State::kRanks;
    }
  }
  return out;
}

// Ends the banner if its last line is the rule.
void MpirunStderr::end_banner() {
  const size_t last = held_.find_last_not_of("-\n");
  const size_t dashes = held_.size() - 1 - (last == std::string::npos ? 0 : last + 1);
  if (dashes < kRule) return;
  const std::string banner = in_one_line(std::string_view(held_).substr(0, last == std::string::npos ? 0 : last + 1));
  held_.clear();
  state_ = State::kRanks;
  line_start_ = true;

  Killed killed{};
  const size_t notice = banner.find("process rank ");
  if (notice != std::string::npos &&
      std::sscanf(banner.c_str() + notice, "process rank %d with PID %*d on node %*s exited on signal %d",  // NOLINT
                  &killed.rank, &killed.signal) == 2) {
    if (!killed_) killed_ = killed;
    return;
  }
  if (complaint_.empty() && !contains_any(banner, kEndings)) complaint_ = banner;
}

void MpirunStderr::end_line(std::string& out) {
  const std::string line = std::exchange(held_, {});
  if (state_ == State::kLastWords) {
    if (last_words_.empty()) last_words_ = line.substr(0, line.size() - 1);
  } else if (!line.starts_with(kMpirun) && !contains_any(line, kMachinery)) {
    out += line;
  }
  state_ = State::kRanks;
  line_start_ = true;
}

std::string MpirunStderr::flush() {
  if (state_ == State::kBanner || state_ == State::kLastWords) return {};
  state_ = State::kRanks;
  return std::exchange(held_, {});
}

}  // namespace kerf
