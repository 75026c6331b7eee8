#include "kerf/io/chat_template/text_ops.h"

#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

std::string_view strip_text(std::string_view text, std::optional<std::string_view> chars, bool left, bool right) {
  if (!chars) {
    if (left) text = strip_left(text);
    return right ? strip_right(text) : text;
  }
  // Both texts are UTF-8, so a character is found only at a character.
  const auto in_set = [&](std::string_view character) { return chars->find(character) != std::string_view::npos; };
  while (left && !text.empty()) {
    size_t end = 0;
    (void)next_char(text, end);
    if (!in_set(text.substr(0, end))) break;
    text.remove_prefix(end);
  }
  while (right && !text.empty()) {
    size_t start = text.size() - 1;
    while ((static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    if (!in_set(text.substr(start))) break;
    text = text.substr(0, start);
  }
  return text;
}

std::string capitalized(std::string_view text) {
  if (text.empty()) return {};
  size_t at = 0;
  (void)next_char(text, at);
  return to_title(text.substr(0, at)) + to_lower(text.substr(at));
}

std::string titled(std::string_view text) {
  std::string out;
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = next_char(text, at);
    if (in_word) {
      append_lower(out, text, start, at);
    } else {
      out += to_title(text.substr(start, at - start));
    }
    in_word = is_lower(c) || is_upper(c);
  }
  return out;
}

}  // namespace kerf::jinja
