#include "kerf/io/chat_template/lexer.h"

#include <algorithm>
#include <string>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/string_literal.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

constexpr auto kNone = std::string_view::npos;

// \r\n and \r count as \n, and one newline at the very end does not count at all.
std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_text();
    push(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail_at(std::string message) const { throw TemplateError{std::move(message), line_}; }

  [[nodiscard]] std::string_view rest() const { return std::string_view(source_).substr(at_); }
  [[nodiscard]] bool at(std::string_view text) const { return rest().starts_with(text); }

  void push(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  void advance_to(size_t end) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    line_starting_ = end > at_ ? source_[end - 1] == '\n' : line_starting_;
    at_ = end;
  }

  void skip_space() { advance_to(source_.size() - strip_left(rest()).size()); }

  // Reads data up to the next tag, then the tag.
  void read_text() {
    size_t tag = at_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == kNone || tag + 1 >= source_.size()) {
        push_text(rest());
        return advance_to(source_.size());
      }
      const char next = source_[tag + 1];
      if (next == '{' || next == '%' || next == '#') break;
    }
    const char tag_kind = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    push_text(data_before_tag(std::string_view(source_).substr(at_, tag - at_), sign, tag_kind != '{'));
    if (tag_kind == '%' && read_raw(tag)) return;
    advance_to(tag + 2 + (sign == '-' || sign == '+' ? 1 : 0));
    if (tag_kind == '#') return skip_comment();
    read_tag(tag_kind == '%');
  }

  void push_text(std::string_view text) {
    if (!text.empty()) push(TokenKind::kText, std::string(text));
  }

  [[nodiscard]] std::string_view data_before_tag(std::string_view data, char sign, bool lstrip) const {
    if (sign == '-') return strip_right(data);
    if (sign == '+' || !lstrip) return data;
    const size_t newline = data.rfind('\n');
    if (newline == kNone && !line_starting_) return data;
    const size_t line_start = newline == kNone ? 0 : newline + 1;
    return strip_left(data.substr(line_start)).empty() ? data.substr(0, line_start) : data;
  }

  // {% raw %} data {% endraw %}. False, with nothing read, when the tag at `tag` is another.
  bool read_raw(size_t tag) {
    size_t end = word_after(tag + 2, "raw");
    if (end == kNone) return false;
    const std::string_view all(source_);
    const bool trims = all.substr(end).starts_with("-%}");
    if (!trims && !all.substr(end).starts_with("%}")) return false;
    advance_to(end + (trims ? 3 : 2));
    if (trims) skip_space();
    for (tag = at_;; ++tag) {
      tag = source_.find("{%", tag);
      if (tag == kNone) fail_at("Missing end of raw directive");
      end = word_after(tag + 2, "endraw");
      if (end != kNone && tag_end(end) != kNone) break;
    }
    const char sign = source_[tag + 2];
    push_text(data_before_tag(all.substr(at_, tag - at_), sign, true));
    advance_to(tag_end(end));
    return true;
  }

  // The end of `sign? space* word space*` at `from`, or kNone.
  [[nodiscard]] size_t word_after(size_t from, std::string_view word) const {
    std::string_view text = std::string_view(source_).substr(from);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    text = strip_left(text);
    if (!text.starts_with(word)) return kNone;
    return source_.size() - strip_left(text.substr(word.size())).size();
  }

  // The end of a closing block tag at `from`, with the whitespace that goes with it; kNone if there is none.
  [[nodiscard]] size_t tag_end(size_t from, std::string_view close = "%}") const {
    const std::string_view text = std::string_view(source_).substr(from);
    if (text.starts_with(close)) return from + 2 + (text.substr(2).starts_with('\n') ? 1 : 0);
    if (text.empty() || !text.substr(1).starts_with(close)) return kNone;
    if (text[0] == '+') return from + 3;
    if (text[0] == '-') return source_.size() - strip_left(text.substr(3)).size();
    return kNone;
  }

  void skip_comment() {
    const size_t close = source_.find("#}", at_);
    if (close == kNone) fail_at("Missing end of comment tag");
    const bool signed_close = close > at_ && (source_[close - 1] == '-' || source_[close - 1] == '+');
    advance_to(tag_end(signed_close ? close - 1 : close, "#}"));
  }

  void read_tag(bool block) {
    push(block ? TokenKind::kBlockBegin : TokenKind::kPrintBegin, "");
    while (true) {
      skip_space();
      const size_t end = !open_.empty() ? kNone : block ? tag_end(at_) : print_end();
      if (end != kNone) {
        push(block ? TokenKind::kBlockEnd : TokenKind::kPrintEnd, "");
        return advance_to(end);
      }
      if (at_ >= source_.size()) return;  // the parser says what is missing
      read_token();
    }
  }

  [[nodiscard]] size_t print_end() const {
    if (at("}}")) return at_ + 2;
    return at("-}}") ? source_.size() - strip_left(rest().substr(3)).size() : kNone;
  }

  void read_token() {
    const char c = source_[at_];
    size_t ahead = at_;
    const char32_t first = next_char(source_, ahead);
    if (is_digit(c)) return read_number();
    if (c == '\'' || c == '"') return read_string();
    if (c == '_' || is_alpha(first)) return read_name();
    read_operator();
  }

  void read_name() {
    size_t end = at_;
    while (end < source_.size()) {
      size_t after = end;
      if (!is_word(next_char(source_, after))) break;
      end = after;
    }
    push(TokenKind::kName, source_.substr(at_, end - at_));
    advance_to(end);
  }

  // Digits with single underscores between them, from `from`.
  [[nodiscard]] size_t digits_end(size_t from) const {
    size_t end = from;
    while (end < source_.size() &&
           (is_digit(source_[end]) ||
            (source_[end] == '_' && end > from && end + 1 < source_.size() && is_digit(source_[end + 1])))) {
      ++end;
    }
    return end;
  }

  void read_number() {
    size_t end = digits_end(at_);
    TokenKind kind = TokenKind::kInteger;
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    if (!after_dot) {
      if (end < source_.size() && source_[end] == '.' && digits_end(end + 1) > end + 1) {
        end = digits_end(end + 1);
        kind = TokenKind::kFloat;
      }
      if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
        const size_t sign = end + 1 < source_.size() && (source_[end + 1] == '-' || source_[end + 1] == '+') ? 1 : 0;
        if (const size_t exponent = digits_end(end + 1 + sign); exponent > end + 1 + sign) {
          end = exponent;
          kind = TokenKind::kFloat;
        }
      }
    }
    if (kind == TokenKind::kInteger && source_[at_] == '0') end = std::max(zeros_end(), based_end());
    std::string text = source_.substr(at_, end - at_);
    std::erase(text, '_');
    push(kind, std::move(text));
    advance_to(end);
  }

  // An integer that begins with 0 is only zeros, or has a base.
  [[nodiscard]] size_t zeros_end() const {
    const size_t end = source_.find_first_not_of("0_", at_);
    return std::min(end == kNone ? source_.size() : end, digits_end(at_));
  }

  [[nodiscard]] size_t based_end() const {
    if (at_ + 2 >= source_.size()) return at_;
    const char base = static_cast<char>(source_[at_ + 1] | 0x20);
    const std::string_view digits = base == 'x'   ? "0123456789abcdefABCDEF_"
                                    : base == 'o' ? "01234567_"
                                    : base == 'b' ? "01_"
                                                  : "";
    if (digits.empty()) return at_;
    size_t end = source_.find_first_not_of(digits, at_ + 2);
    if (end == kNone) end = source_.size();
    return end > at_ + 2 ? end : at_;
  }

  void read_string() {
    const char quote = source_[at_];
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail_at(fmt::format("unexpected char {} (a string without its end)", quote));
    push(TokenKind::kString, unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1), line_));
    advance_to(end + 1);
  }

  void read_operator() {
    static constexpr std::string_view kOperators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                      "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                      ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
    const auto* op = std::find_if(std::begin(kOperators), std::end(kOperators), [&](auto text) { return at(text); });
    if (op == std::end(kOperators)) {
      size_t end = at_;
      (void)next_char(source_, end);
      fail_at(fmt::format("unexpected char '{}'", source_.substr(at_, end - at_)));
    }
    balance((*op)[0]);
    push(TokenKind::kOperator, std::string(*op));
    advance_to(at_ + op->size());
  }

  // Inside brackets, `}}` and `%}` do not end the tag.
  void balance(char op) {
    if (op == '(' || op == '[' || op == '{') open_ += op == '(' ? ')' : op == '[' ? ']' : '}';
    if (op != ')' && op != ']' && op != '}') return;
    if (open_.empty()) fail_at(fmt::format("unexpected '{}'", op));
    if (open_.back() != op) fail_at(fmt::format("unexpected '{}', expected '{}'", op, open_.back()));
    open_.pop_back();
  }

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // what was read last ended in a newline
  std::string open_;           // the closing brackets that are awaited
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  if (!valid_utf8(source)) raise("the template is not valid UTF-8");
  return Lexer(normalize_newlines(source)).run();
}

}  // namespace kerf::jinja
