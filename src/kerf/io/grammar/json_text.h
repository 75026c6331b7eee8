// The texts of JSON's strings and numbers (RFC 8259), as pieces of automata. Text is UTF-8 as table 3-7 of the Unicode
// standard has it.
//
// A string has one spelling of each character, the shortest one (as nlohmann/json and Python's
// ensure_ascii=False write it), except where a schema leaves a string free: then every escape of the RFC is allowed,
// and surrogates come in pairs.
#pragma once

#include <cstdint>
#include <optional>

#include "kerf/io/grammar/code_points.h"
#include "kerf/io/grammar/nfa.h"

namespace kerf {

// One character of the set inside a string, in its one spelling. The first byte has the flags. Surrogates are left out.
void json_character(Nfa& nfa, Nfa::State from, Nfa::State to, const CodePoints& set, EdgeFlags flags = 0);

// One character in any spelling.
void json_character_any_spelling(Nfa& nfa, Nfa::State from, Nfa::State to, EdgeFlags flags = 0);

// Bounds of a number; exclusive ones leave the bound itself out.
struct NumberBounds {
  std::optional<int64_t> min, max;
  bool exclusive_min = false;
  bool exclusive_max = false;
};

// The most digits of what is written without bounds: whole numbers stay below 10^18, so that they fit into 64 bits, and
// numbers below 10^16 · 10^99, so that they are finite doubles.
inline constexpr int kIntegerDigits = 18;
inline constexpr int kNumberDigits = 16;
inline constexpr int64_t kIntegerLimit = 999'999'999'999'999'999;

// A whole number without leading zeros. bounds: inclusive, min <= max, within ±kIntegerLimit; none where absent.
Nfa::State json_integer(Nfa& nfa, Nfa::State from, const NumberBounds& bounds);

// Any number; a bounded one has no exponent. REQUIRES: some number lies in the bounds, which are within
// ±kIntegerLimit.
Nfa::State json_number(Nfa& nfa, Nfa::State from, const NumberBounds& bounds);

}  // namespace kerf
