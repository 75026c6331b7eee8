#include "kerf/io/chat_template/token_stream.h"

#include <fmt/format.h>

#include "kerf/io/chat_template/error.h"

namespace kerf::jinja {

const Token& TokenStream::next() {
  const Token& token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool TokenStream::skip_name(const char* name) {
  if (!current().is_name(name)) return false;
  next();
  return true;
}

bool TokenStream::skip_operator(const char* op) {
  if (!current().is_operator(op)) return false;
  next();
  return true;
}

Token TokenStream::expect(TokenKind kind) {
  if (current().kind != kind) fail_expected(describe(kind));
  return next();
}

void TokenStream::expect_name(const char* name) {
  if (!skip_name(name)) fail_expected(fmt::format("'{}'", name));
}

void TokenStream::expect_operator(const char* op) {
  if (!skip_operator(op)) fail_expected(fmt::format("'{}'", op));
}

void TokenStream::fail_at(std::string message, int line) { throw TemplateError{std::move(message), line}; }

void TokenStream::fail_expected(const std::string& what) const {
  if (current().kind == TokenKind::kEnd) fail_at(fmt::format("unexpected end of template, expected {}", what));
  fail_at(fmt::format("expected {}, got {}", what, describe(current())));
}

std::string describe(TokenKind kind) {
  switch (kind) {
    case TokenKind::kText: return "text";
    case TokenKind::kBlockBegin: return "begin of statement block";
    case TokenKind::kBlockEnd: return "end of statement block";
    case TokenKind::kPrintBegin: return "begin of print statement";
    case TokenKind::kPrintEnd: return "end of print statement";
    case TokenKind::kName: return "a name";
    case TokenKind::kString: return "a string";
    case TokenKind::kInteger: return "an integer";
    case TokenKind::kFloat: return "a float";
    case TokenKind::kOperator: return "an operator";
    case TokenKind::kEnd: return "end of template";
  }
  return "";
}

std::string describe(const Token& token) {
  const bool shown = token.kind == TokenKind::kName || token.kind == TokenKind::kOperator;
  return shown ? fmt::format("'{}'", token.text) : describe(token.kind);
}

}  // namespace kerf::jinja
