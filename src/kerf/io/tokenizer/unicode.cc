#include "kerf/io/tokenizer/unicode.h"

#include <utf8proc.h>

#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

// Not a character: what stands for ill-formed bytes below; it is in no class.
constexpr char32_t kNone = 0x110000;

char32_t first_character(std::string_view text) {
  if (text.empty()) return kNone;
  const Utf8Sequence sequence = first_utf8(text);
  return sequence.state == Utf8State::kValid ? sequence.code_point : kNone;
}

// Where the last character of `text` begins. REQUIRES: !text.empty()
size_t last_start(std::string_view text) {
  size_t at = text.size() - 1;
  while (at > 0 && text.size() - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

char32_t last_character(std::string_view text) {
  if (text.empty()) return kNone;
  const std::string_view last = text.substr(last_start(text));
  return first_utf8(last).length == last.size() ? first_character(last) : kNone;
}

utf8proc_category_t category(char32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

}  // namespace

bool is_whitespace(char32_t code_point) {
  if ((code_point >= '\t' && code_point <= '\r') || code_point == 0x85) return true;
  const auto kind = category(code_point);
  return kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL || kind == UTF8PROC_CATEGORY_ZP;
}

bool is_word(char32_t code_point) {
  switch (category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    default: return false;
  }
}

size_t leading_whitespace(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && is_whitespace(first_character(text.substr(length)))) {
    length += first_utf8(text.substr(length)).length;
  }
  return length;
}

size_t trailing_whitespace(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && is_whitespace(last_character(text.substr(0, end)))) end = last_start(text.substr(0, end));
  return text.size() - end;
}

bool starts_with_word(std::string_view text) { return is_word(first_character(text)); }
bool ends_with_word(std::string_view text) { return is_word(last_character(text)); }

}  // namespace kerf
