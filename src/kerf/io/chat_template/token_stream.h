#pragma once

#include <vector>

#include "kerf/io/chat_template/token.h"

namespace kerf::jinja {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  // Returns the current token and moves on; stays at the end.
  const Token& next();

  bool skip_name(const char* name);
  bool skip_operator(const char* op);
  Token expect(TokenKind kind);
  void expect_name(const char* name);
  void expect_operator(const char* op);

  [[noreturn]] void fail_at(std::string message) const { fail_at(std::move(message), current().line); }
  [[noreturn]] static void fail_at(std::string message, int line);
  [[noreturn]] void fail_expected(const std::string& what) const;

 private:
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

// For messages: "end of print statement", "'endif'".
[[nodiscard]] std::string describe(TokenKind kind);
[[nodiscard]] std::string describe(const Token& token);

}  // namespace kerf::jinja
