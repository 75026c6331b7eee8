// Byte strings of one length between two others: how ranges of characters and of numbers become automata.
#pragma once

#include <string_view>

#include "kerf/io/grammar/nfa.h"

namespace kerf {

// From `from` to `to`: every text that has the length of `low` and `high`, lies between them in the order of its bytes,
// and whose bytes after the first are at least `least` and at most `most`. The first byte has the flags.
// REQUIRES: low <= high, of the same length and at least one byte; their own bytes after the first are in bounds.
void byte_range(Nfa& nfa, Nfa::State from, Nfa::State to, std::string_view low, std::string_view high, uint8_t least,
                uint8_t most, EdgeFlags flags = 0);

}  // namespace kerf
