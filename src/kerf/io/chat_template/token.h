#pragma once

#include <cstdint>
#include <string>

namespace kerf::jinja {

enum class TokenKind : uint8_t {
  kText,        // template data between the tags
  kBlockBegin,  // {%
  kBlockEnd,
  kPrintBegin,  // {{
  kPrintEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // data; identifier; string with escapes resolved; operator; digits of a number
  int line = 1;

  [[nodiscard]] bool is_name(const char* name) const { return kind == TokenKind::kName && text == name; }
  [[nodiscard]] bool is_operator(const char* op) const { return kind == TokenKind::kOperator && text == op; }
};

}  // namespace kerf::jinja
