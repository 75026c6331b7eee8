// How a grammar's automaton takes a byte. Internal to kerf/io/grammar.
//
// A configuration is a frame of the rule that is being read, on a stack of frames of the rules that called it. A
// text may be read in several ways at once, so a matcher holds a set of configurations. Stacks share their lower
// frames in a pool, where equal stacks are one: configurations are equal when their three numbers are.
#pragma once

#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

#include "kerf/io/grammar/grammar.h"

namespace kerf {

// Below a frame: a place in the pool, or one of these.
inline constexpr int32_t kBottom = -1;  // nothing: the frame is the root's
inline constexpr int32_t kOpen = -2;    // not known: the automaton is explored from this frame on, whatever it lies on

// Of an exploration (token_mask.h), whose lowest frame has a count that is not known either: `count` is then relative,
// and what the way here asks of the count at its beginning is kept instead of checked.
struct Demands {
  static constexpr uint16_t kNone = std::numeric_limits<uint16_t>::max();
  uint16_t room = 0;      // max - count must be at least this
  uint16_t need = kNone;  // min - count must be at most this
  bool operator==(const Demands&) const = default;
};

struct Config {
  uint32_t state = 0;  // of the rule that is being read
  uint32_t count = 0;  // its counter
  int32_t parent = kBottom;
  Demands demands;
  bool operator==(const Config&) const = default;
};

class StackPool {
 public:
  struct Frame {
    uint32_t state;  // where the caller goes on
    uint32_t count;
    int32_t parent;
    bool operator==(const Frame&) const = default;
  };
  int32_t push(const Frame& frame);
  [[nodiscard]] const Frame& at(int32_t place) const { return frames_[static_cast<size_t>(place)]; }
  [[nodiscard]] size_t size() const { return frames_.size(); }

 private:
  struct Hash {
    size_t operator()(const Frame& frame) const;
  };
  std::vector<Frame> frames_;
  std::unordered_map<Frame, int32_t, Hash> places_;
};

// The most ways in which a text is read at once; further ones are forgotten, lest a schema whose alternatives begin
// alike doubles them with each bracket. What is kept still matches, and can still end.
inline constexpr size_t kMaxReadings = 1024;

// Adds to `out`, unless there already, what a configuration becomes by a byte. Goes no further at kMaxReadings.
void advance(const Grammar& grammar, StackPool& pool, const Config& config, uint8_t byte, std::vector<Config>& out);

// What a configuration is when the rules that have come to an end return, as far as they must to leave the frame at
// `bottom` (kBottom or kOpen); false when that one is not at its end.
[[nodiscard]] bool returns(const Grammar& grammar, const StackPool& pool, Config& config);

}  // namespace kerf
