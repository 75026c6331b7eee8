#include "kerf/io/chat_template/string_literal.h"

#include <fmt/format.h>

#include <algorithm>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Escapes of one letter; 0 for the others.
char simple_escape(char c) {
  static constexpr std::string_view kLetters = "\\'\"abfnrtv";
  static constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  const size_t index = kLetters.find(c);
  return index == std::string_view::npos ? '\0' : kMeanings[index];
}

class Unescaper {
 public:
  Unescaper(std::string_view body, int line) : body_(body), line_(line) {}

  std::string run() {
    while (at_ < body_.size()) {
      if (body_[at_] == '\\' && at_ + 1 < body_.size()) {
        ++at_;
        read_escape();
      } else {
        out_ += body_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  void read_escape() {
    const char c = body_[at_];
    if (const char meaning = simple_escape(c); meaning != '\0') {
      out_ += meaning;
      ++at_;
    } else if (c == '\n') {
      ++at_;  // a continued line
    } else if (c == 'x' || c == 'u' || c == 'U') {
      ++at_;
      read_hex(c == 'x' ? 2 : c == 'u' ? 4 : 8);
    } else if (c >= '0' && c <= '7') {
      read_octal();
    } else if (c == 'N') {
      throw TemplateError{"character names (\\N{...}) are not supported in strings", line_};
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      keep_escaped_character();
    } else {
      out_ += '\\';  // not an escape
    }
  }

  void read_hex(size_t digits) {
    char32_t code = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const int digit = at_ < body_.size() ? hex_digit(body_[at_]) : -1;
      if (digit < 0) throw TemplateError{"truncated \\x, \\u or \\U escape in a string", line_};
      code = code << 4 | static_cast<char32_t>(digit);
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      throw TemplateError{"illegal Unicode character in a string's escape", line_};
    }
    append_char(out_, code);
  }

  void read_octal() {
    char32_t code = 0;
    for (size_t i = 0; i < 3 && at_ < body_.size() && body_[at_] >= '0' && body_[at_] <= '7'; ++i) {
      code = code * 8 + static_cast<char32_t>(body_[at_++] - '0');
    }
    append_char(out_, code);
  }

  // Jinja escapes non-ASCII characters before it decodes the escapes, so that `\é` reads as `\` + `\xe9`.
  void keep_escaped_character() {
    const auto code = static_cast<uint32_t>(next_char(body_, at_));
    out_ += code < 0x100     ? fmt::format("\\x{:02x}", code)
            : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                             : fmt::format("\\U{:08x}", code);
  }

  std::string_view body_;
  int line_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string unescape(std::string_view body, int line) { return Unescaper(body, line).run(); }

}  // namespace kerf::jinja
