#include "kerf/io/grammar/byte_range.h"

#include <algorithm>
#include <string>

namespace kerf {
namespace {

bool all(std::string_view text, uint8_t byte) {
  return std::all_of(text.begin(), text.end(), [byte](char c) { return static_cast<uint8_t>(c) == byte; });
}

}  // namespace

// The first byte is that of `low`, that of `high`, or between; only between is the rest free.
void byte_range(Nfa& nfa, Nfa::State from, Nfa::State to, std::string_view low, std::string_view high, uint8_t least,
                uint8_t most, EdgeFlags flags) {
  auto first = static_cast<uint8_t>(low[0]);
  auto last = static_cast<uint8_t>(high[0]);
  const std::string_view low_rest = low.substr(1);
  const std::string_view high_rest = high.substr(1);
  if (low_rest.empty()) {
    nfa.bytes(from, first, last, to, flags);
    return;
  }
  if (first == last) {
    byte_range(nfa, nfa.bytes(from, first, first, flags), to, low_rest, high_rest, least, most);
    return;
  }
  const std::string all_least(low_rest.size(), static_cast<char>(least));
  const std::string all_most(low_rest.size(), static_cast<char>(most));
  if (!all(low_rest, least)) {
    byte_range(nfa, nfa.bytes(from, first, first, flags), to, low_rest, all_most, least, most);
    ++first;
  }
  if (!all(high_rest, most)) {
    byte_range(nfa, nfa.bytes(from, last, last, flags), to, all_least, high_rest, least, most);
    --last;
  }
  if (first > last) return;
  Nfa::State at = nfa.bytes(from, first, last, flags);
  for (size_t i = 0; i + 1 < low_rest.size(); ++i) at = nfa.bytes(at, least, most);
  nfa.bytes(at, least, most, to);
}

}  // namespace kerf
