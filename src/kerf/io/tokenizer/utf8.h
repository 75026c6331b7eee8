// UTF-8, judged as the Unicode standard judges it (table 3-7: no overlong forms, no surrogates, nothing
// above U+10FFFF).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kerf {

enum class Utf8State {
  kValid,       // a whole character
  kIncomplete,  // the text ends inside a character that further bytes could complete
  kInvalid      // no continuation can make these bytes a character
};

struct Utf8Sequence {
  Utf8State state;
  size_t length;        // bytes it spans; of an invalid one, the "maximal subpart" that one U+FFFD replaces
  char32_t code_point;  // meaningful only when valid
};

// What stands at the start of `text`. REQUIRES: !text.empty()
Utf8Sequence first_utf8(std::string_view text);

void append_utf8(std::string& out, char32_t code_point);

// Moves everything but an incomplete last character from `pending` to the result; each maximal invalid
// subpart becomes one U+FFFD.
std::string take_whole_characters(std::string& pending);

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

// The length of the longest prefix of `text` that is well-formed.
size_t valid_utf8_prefix(std::string_view text);

// Calls visit(run, valid) for the maximal well-formed runs of `text` and the single bytes between them.
template <typename Visit>
void for_each_utf8_run(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const size_t valid = valid_utf8_prefix(text);
    if (valid > 0) visit(text.substr(0, valid), true);
    if (valid < text.size()) visit(text.substr(valid, 1), false);
    text.remove_prefix(valid < text.size() ? valid + 1 : valid);
  }
}

}  // namespace kerf
