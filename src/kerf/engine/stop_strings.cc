#include "kerf/engine/stop_strings.h"

#include <algorithm>
#include <utility>

#include "kerf/base/check.h"

namespace kerf {

void StopStrings::Matcher::advance(char byte) {
  if (complete()) matched = border.back();
  while (matched > 0 && stop[matched] != byte) matched = border[matched - 1];
  if (stop[matched] == byte) ++matched;
}

StopStrings::StopStrings(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    KERF_CHECK(!stop.empty(), "an empty stop string");
    Matcher matcher{std::move(stop), {0}};
    // The borders are what the automaton, fed the stop string from its second byte on, has matched.
    for (size_t i = 1; i < matcher.stop.size(); ++i) {
      matcher.advance(matcher.stop[i]);
      matcher.border.push_back(matcher.matched);
    }
    matcher.matched = 0;
    matchers_.push_back(std::move(matcher));
  }
}

std::string StopStrings::push(std::string_view piece) {
  if (stopped()) return {};
  size_t longest = 0;  // what the text's end may begin
  for (const char byte : piece) {
    held_.push_back(byte);
    longest = 0;
    for (Matcher& matcher : matchers_) {
      matcher.advance(byte);
      longest = std::max(longest, matcher.matched);
      if (matcher.complete() && matcher.stop.size() > stopped_by_.size()) stopped_by_ = matcher.stop;
    }
    if (stopped()) {
      held_.resize(held_.size() - stopped_by_.size());
      return std::exchange(held_, {});
    }
  }
  if (piece.empty()) return {};
  std::string shown = held_.substr(0, held_.size() - longest);
  held_.erase(0, shown.size());
  return shown;
}

std::string StopStrings::flush() { return std::exchange(held_, {}); }

}  // namespace kerf
