#include "kerf/io/grammar/pushdown.h"

#include <algorithm>

namespace kerf {
namespace {

void add(std::vector<Config>& out, const Config& config) {
  if (out.size() < kMaxReadings && std::find(out.begin(), out.end(), config) == out.end()) out.push_back(config);
}

// The frame below goes on. REQUIRES: there is one
void pop(const StackPool& pool, Config& config) {
  const StackPool::Frame& frame = pool.at(config.parent);
  config.state = frame.state;
  config.count = frame.count;
  config.parent = frame.parent;
}

// Passes an edge's guards and counts; false when it may not be taken. In an open frame the guards become demands.
bool pass(const Grammar& grammar, EdgeFlags flags, Config& config) {
  if (flags == 0) return true;
  if (config.parent == kOpen) {
    const auto count = static_cast<uint16_t>(config.count);
    if ((flags & kMore) != 0) config.demands.room = std::max<uint16_t>(config.demands.room, count + 1);
    if ((flags & kEnough) != 0) config.demands.need = std::min(config.demands.need, count);
  } else {
    const Counter& counter = grammar.rule(grammar.state(config.state).rule).counter;
    if ((flags & kMore) != 0 && config.count >= counter.max) return false;
    if ((flags & kEnough) != 0 && config.count < counter.min) return false;
  }
  if ((flags & kCounts) != 0) ++config.count;
  return true;
}

}  // namespace

size_t StackPool::Hash::operator()(const Frame& frame) const {
  uint64_t h = (uint64_t{frame.state} << 32 | frame.count) * 0x9E3779B97F4A7C15U;   // 2^64 / the golden ratio
  h = (h ^ (h >> 29) ^ static_cast<uint32_t>(frame.parent)) * 0xBF58476D1CE4E5B9U;  // of SplitMix64
  return h ^ (h >> 32);
}

int32_t StackPool::push(const Frame& frame) {
  const auto [found, fresh] = places_.try_emplace(frame, static_cast<int32_t>(frames_.size()));
  if (fresh) frames_.push_back(frame);
  return found->second;
}

void advance(const Grammar& grammar, StackPool& pool, const Config& from, uint8_t byte, std::vector<Config>& out) {
  std::vector<Config> called;  // the rules that may begin with the byte, each once however many ways lead to it
  const auto step = [&](Config config) {
    for (;;) {
      const Grammar::State& state = grammar.state(config.state);
      const Grammar::Edge edge = grammar.next(config.state, byte);
      if (edge.target != Grammar::kNowhere) {
        Config next = config;
        if (pass(grammar, edge.flags, next)) {
          next.state = edge.target;
          add(out, next);
        }
      }
      for (const Grammar::Call& call : grammar.calls_of(state)) {
        if (!grammar.rule(call.rule).first[byte]) continue;
        Config caller = config;
        if (!pass(grammar, call.flags, caller)) continue;
        // A frame that would only return is left out, so that stacks do not grow along lists of calls. An open one
        // stays: what comes above it is not open.
        const bool left_out = call.last && config.parent != kOpen;
        const int32_t parent = left_out
                                   ? config.parent
                                   : pool.push({.state = call.target, .count = caller.count, .parent = caller.parent});
        add(called, {.state = grammar.rule(call.rule).start, .count = 0, .parent = parent, .demands = caller.demands});
      }
      if (!state.final || config.parent < 0) return;
      pop(pool, config);
    }
  };
  step(from);
  for (size_t i = 0; i < called.size() && out.size() < kMaxReadings; ++i) step(called[i]);
}

bool returns(const Grammar& grammar, const StackPool& pool, Config& config) {
  for (;;) {
    if (!grammar.state(config.state).final) return false;
    if (config.parent < 0) return true;
    pop(pool, config);
  }
}

}  // namespace kerf
