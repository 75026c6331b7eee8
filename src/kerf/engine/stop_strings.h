// Stop strings over text that arrives piece by piece.
//
// The earliest completed stop string ends the text, as if it had come byte by byte: how the text was cut
// into pieces does not matter. Where several end at the same byte the longest counts. No byte
// of the stop string that ended the text is ever given out. Pieces of whole UTF-8 characters give
// whole characters back, because a stop string begins at a character's first byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kerf {

class StopStrings {
 public:
  // REQUIRES: no stop string is empty. An empty list never stops.
  explicit StopStrings(std::vector<std::string> stops);

  // Takes the next piece; returns the text that can be shown: all so far that cannot be the
  // beginning of a stop string any more, or, once stopped, all before the stop string.
  [[nodiscard]] std::string push(std::string_view piece);

  // The text has ended for another reason: returns what was held back.
  [[nodiscard]] std::string flush();

  // The stop string that ended the text; "" while none has. Later pieces are ignored.
  [[nodiscard]] const std::string& stopped_by() const { return stopped_by_; }
  [[nodiscard]] bool stopped() const { return !stopped_by_.empty(); }

 private:
  // One stop string's automaton (Knuth, Morris, Pratt).
  struct Matcher {
    std::string stop;
    std::vector<size_t> border;  // of stop[0, i + 1): longest proper prefix that is also its suffix
    size_t matched = 0;          // longest prefix of stop that the text ends with
    void advance(char byte);
    [[nodiscard]] bool complete() const { return matched == stop.size(); }
  };

  std::vector<Matcher> matchers_;
  std::string held_;  // seen, not given out
  std::string stopped_by_;
};

}  // namespace kerf
