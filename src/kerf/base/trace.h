// Trace: what one rank did when, for ui.perfetto.dev (base/trace_json.h writes it).
//
// Who records is handed a Trace or a null pointer; null costs one branch. Memory is taken once, and the newest events
// stay. Times are nanoseconds of CLOCK_MONOTONIC, which all processes of a host share.
//
// Threading: one thread, that of the rank.
#pragma once

#include <time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kerf {

[[nodiscard]] inline int64_t trace_now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// One span. Plain bytes, so that it can travel between ranks.
struct TraceEvent {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  int64_t step = -1;   // that it belongs to; -1 = none
  int64_t amount = 0;  // bytes of a collective, tokens of anything else
  std::array<char, 16> name{};
  std::array<char, 8> group{};  // of a collective: "tp", "pp", "all"; else empty
};

class Trace {
 public:
  static constexpr size_t kDefaultCapacity = size_t{1} << 17;  // 7 MiB a rank: some thousand steps of 30 layers

  explicit Trace(size_t capacity = kDefaultCapacity) : events_(capacity) {}

  // Spans recorded from here on belong to this step.
  void set_step(int64_t step) { step_ = step; }

  // Names are cut to what an event holds.
  void add(std::string_view name, std::string_view group, int64_t begin_ns, int64_t end_ns, int64_t amount);

  // Oldest first, by their ends.
  [[nodiscard]] std::vector<TraceEvent> events() const;
  // How many older ones have been written over.
  [[nodiscard]] int64_t dropped() const;

 private:
  std::vector<TraceEvent> events_;
  int64_t added_ = 0;
  int64_t step_ = -1;
};

// A span from here to the end of the scope.
class TraceSpan {
 public:
  TraceSpan(Trace* trace, std::string_view name, int64_t amount = 0)
      : trace_(trace), name_(name), amount_(amount), begin_ns_(trace == nullptr ? 0 : trace_now_ns()) {}
  ~TraceSpan() {
    if (trace_ != nullptr) trace_->add(name_, "", begin_ns_, trace_now_ns(), amount_);
  }
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

 private:
  Trace* trace_;
  std::string_view name_;
  int64_t amount_;
  int64_t begin_ns_;
};

}  // namespace kerf
