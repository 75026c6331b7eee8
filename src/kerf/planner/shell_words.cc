#include "kerf/planner/shell_words.h"

#include <algorithm>

namespace kerf {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_operator(char c) { return c == ';' || c == '&' || c == '|' || c == '<' || c == '>' || c == '\n'; }

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<std::vector<ShellWord>> split() {
    std::vector<ShellWord> words;
    while (true) {
      ShellWord word;
      word.blank = std::string(skip_blanks());
      if (at_ == text_.size()) return words;
      const size_t begin = at_;
      if (is_operator(text_[at_])) {
        word.control = true;
        const char first = text_[at_++];
        if (first != '\n' && at_ < text_.size() && text_[at_] == first) ++at_;
        word.text = text_.substr(begin, at_ - begin);
      } else {
        KERF_TRY_STATUS(read_word(word));
      }
      word.raw = text_.substr(begin, at_ - begin);
      words.push_back(std::move(word));
    }
  }

 private:
  // Blanks, continued lines, and comments.
  std::string_view skip_blanks() {
    const size_t begin = at_;
    while (at_ < text_.size()) {
      if (is_blank(text_[at_])) {
        ++at_;
      } else if (text_.substr(at_, 2) == "\\\n") {
        at_ += 2;
      } else if (text_.substr(at_, 3) == "\\\r\n") {
        at_ += 3;
      } else if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        break;
      }
    }
    return text_.substr(begin, at_ - begin);
  }

  Status read_word(ShellWord& word) {
    while (at_ < text_.size() && !is_blank(text_[at_]) && !is_operator(text_[at_])) {
      const char c = text_[at_++];
      if (c == '\'') {
        const size_t end = text_.find('\'', at_);
        if (end == std::string_view::npos) return fail("the command has an open ' quote: close it");
        word.text += text_.substr(at_, end - at_);
        at_ = end + 1;
      } else if (c == '"') {
        KERF_TRY_STATUS(read_double_quoted(word));
      } else if (c == '\\' && at_ < text_.size()) {
        if (text_[at_] != '\n') word.text += text_[at_];
        ++at_;
      } else if (c == '$' && at_ < text_.size() && text_[at_] == '(') {
        word.expands = true;
        read_substitution(word);
      } else {
        word.expands = word.expands || c == '$' || c == '`';
        word.text += c;
      }
    }
    return Ok{};
  }

  Status read_double_quoted(ShellWord& word) {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return Ok{};
      if (c == '\\' && at_ < text_.size() && std::string_view("\"\\$`\n").find(text_[at_]) != std::string_view::npos) {
        if (text_[at_] != '\n') word.text += text_[at_];
        ++at_;
      } else {
        word.expands = word.expands || c == '$' || c == '`';
        word.text += c;
      }
    }
    return fail("the command has an open \" quote: close it");
  }

  // $( … ) is one piece, whatever blanks it holds.
  void read_substitution(ShellWord& word) {
    word.text += '$';
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      word.text += c;
      if (c == '(') ++depth;
      if (c == ')' && --depth == 0) return;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<ShellWord>> split_shell_words(std::string_view text) { return Splitter(text).split(); }

std::vector<ShellWord> shell_words(std::span<const std::string> arguments) {
  std::vector<ShellWord> words;
  words.reserve(arguments.size());
  for (const std::string& text : arguments) {
    words.push_back({.text = text, .raw = shell_quote(text), .blank = words.empty() ? "" : " "});
  }
  return words;
}

std::string shell_quote(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string join_shell_words(std::span<const ShellWord> words) {
  std::string line;
  for (const ShellWord& word : words) line += word.blank + word.raw;
  return line;
}

}  // namespace kerf
