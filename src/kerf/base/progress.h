// One line of progress on a terminal; silence when stderr is a pipe or a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace kerf {

// Draws "loading  [#####.....]  52 %  1.2 of 2.3 GB" in place on stderr, at most ten times a
// second, and clears it when destroyed. Threading: one thread at a time.
class Progress {
 public:
  // Amounts are shown as multiples of `unit`: 1e6 and "MB" for bytes, 1 and "tokens" for tokens.
  // enabled: usually stderr_is_terminal() on the one rank that speaks.
  Progress(std::string_view label, int64_t total, double unit, std::string_view unit_name, bool enabled);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(int64_t done);

 private:
  std::string label_;
  int64_t total_;
  double unit_;
  std::string unit_name_;
  bool enabled_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

// True when stderr is a terminal, or when the launcher says that its own is (KERF_TERMINAL=1).
[[nodiscard]] bool stderr_is_terminal();

}  // namespace kerf
