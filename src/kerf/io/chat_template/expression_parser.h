#pragma once

#include <set>
#include <string>

#include "kerf/io/chat_template/ast.h"
#include "kerf/io/chat_template/symbol_table.h"
#include "kerf/io/chat_template/token_stream.h"

namespace kerf::jinja {

// Recursive descent; one method per level of precedence, loosest first.
class ExpressionParser {
 public:
  ExpressionParser(TokenStream& tokens, SymbolTable& symbols) : tokens_(tokens), symbols_(symbols) {}

  ExprPtr parse_expression() { return parse_conditional(); }
  // One expression, or several with commas between as a tuple. `end` is a name that ends it too.
  ExprPtr parse_tuple(bool with_conditional = true, const char* end = nullptr, bool in_parentheses = false);
  // `| filter | filter…` applied to `input`. With `first_inline` the first bar is missing.
  ExprPtr parse_filters(ExprPtr input, bool first_inline = false);
  ExprPtr parse_without_conditional() { return parse_or(); }

  // The names read so far, in order to see what a macro's body mentions.
  std::set<std::string> mentioned;

 private:
  class Nesting;

  template <typename Node>
  ExprPtr make(int line, Node node);

  ExprPtr parse_conditional();
  ExprPtr parse_or();
  ExprPtr parse_and();
  ExprPtr parse_not();
  ExprPtr parse_comparison();
  ExprPtr parse_sum();
  ExprPtr parse_concat();
  ExprPtr parse_product();
  ExprPtr parse_power();
  ExprPtr parse_unary(bool with_filters = true);
  ExprPtr parse_primary();
  ExprPtr parse_name();
  ExprPtr parse_string();
  ExprPtr parse_number();
  ExprPtr parse_list();
  ExprPtr parse_dict();
  ExprPtr parse_postfix(ExprPtr object);
  ExprPtr parse_subscript(ExprPtr object);
  ExprPtr parse_index(ExprPtr object);
  ExprPtr parse_filters_and_tests(ExprPtr input);
  ExprPtr parse_test(ExprPtr input);
  std::string parse_dotted_name();
  CallArgs parse_call_args();
  void parse_argument(CallArgs& args);

  TokenStream& tokens_;
  SymbolTable& symbols_;
  int nesting_ = 0;
};

}  // namespace kerf::jinja
