#include "kerf/io/chat_template/expression_parser.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/number_text.h"

namespace kerf::jinja {

namespace {

// Brackets within brackets, and terms in a row (`a + b + c` is a tree as deep as it is long). Walks
// over the tree recurse, so this bounds the stack; real templates stay under 40.
constexpr int kMaxNesting = 50;
constexpr int kMaxDepth = 250;

int depth_of(const ExprPtr& expr) { return expr ? expr->depth : 0; }

int depth_of(const CallArgs& args) {
  int depth = std::max(depth_of(args.rest), depth_of(args.rest_named));
  for (const auto& arg : args.positional) depth = std::max(depth, depth_of(arg));
  for (const auto& [name, arg] : args.named) depth = std::max(depth, depth_of(arg));
  return depth;
}

int depth_of(const std::vector<ExprPtr>& exprs) {
  int depth = 0;
  for (const auto& expr : exprs) depth = std::max(depth, depth_of(expr));
  return depth;
}

int child_depth(const Constant&) { return 0; }
int child_depth(const Name&) { return 0; }
int child_depth(const Sequence& node) { return depth_of(node.items); }
int child_depth(const DictLiteral& node) {
  int depth = 0;
  for (const auto& [key, value] : node.entries) depth = std::max({depth, depth_of(key), depth_of(value)});
  return depth;
}
int child_depth(const GetAttr& node) { return depth_of(node.object); }
int child_depth(const GetItem& node) { return std::max(depth_of(node.object), depth_of(node.key)); }
int child_depth(const GetSlice& node) {
  return std::max({depth_of(node.object), depth_of(node.start), depth_of(node.stop), depth_of(node.step)});
}
int child_depth(const Call& node) { return std::max(depth_of(node.callee), depth_of(node.args)); }
int child_depth(const FilterCall& node) { return std::max(depth_of(node.input), depth_of(node.args)); }
int child_depth(const TestCall& node) { return std::max(depth_of(node.input), depth_of(node.args)); }
int child_depth(const Unary& node) { return depth_of(node.operand); }
int child_depth(const Binary& node) { return std::max(depth_of(node.left), depth_of(node.right)); }
int child_depth(const Logical& node) { return std::max(depth_of(node.left), depth_of(node.right)); }
int child_depth(const Concat& node) { return depth_of(node.parts); }
int child_depth(const Compare& node) {
  int depth = depth_of(node.first);
  for (const auto& [op, operand] : node.rest) depth = std::max(depth, depth_of(operand));
  return depth;
}
int child_depth(const Conditional& node) {
  return std::max({depth_of(node.condition), depth_of(node.then), depth_of(node.otherwise)});
}

std::optional<CompareOp> comparison(const Token& token) {
  if (token.kind != TokenKind::kOperator) return std::nullopt;
  if (token.text == "==") return CompareOp::kEq;
  if (token.text == "!=") return CompareOp::kNe;
  if (token.text == "<") return CompareOp::kLt;
  if (token.text == "<=") return CompareOp::kLe;
  if (token.text == ">") return CompareOp::kGt;
  if (token.text == ">=") return CompareOp::kGe;
  return std::nullopt;
}

std::optional<BinaryOp> product(const Token& token) {
  if (token.is_operator("*")) return BinaryOp::kMul;
  if (token.is_operator("/")) return BinaryOp::kDiv;
  if (token.is_operator("//")) return BinaryOp::kFloorDiv;
  if (token.is_operator("%")) return BinaryOp::kMod;
  return std::nullopt;
}

int64_t parse_integer(const Token& token) {
  std::string_view digits = token.text;
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && digits[1] > '9') {
    const char mark = static_cast<char>(digits[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'o' ? 8 : 2;
    digits.remove_prefix(2);
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{}) TokenStream::fail_at(fmt::format("integer {} is out of range", token.text), token.line);
  return value;
}

}  // namespace

class ExpressionParser::Nesting {
 public:
  explicit Nesting(ExpressionParser& parser) : parser_(parser) {
    if (++parser_.nesting_ > kMaxNesting) {
      --parser_.nesting_;
      parser_.tokens_.fail_at(fmt::format("expressions nest deeper than {}", kMaxNesting));
    }
  }
  ~Nesting() { --parser_.nesting_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  ExpressionParser& parser_;
};

template <typename Node>
ExprPtr ExpressionParser::make(int line, Node node) {
  const int depth = 1 + child_depth(node);
  if (depth > kMaxDepth) tokens_.fail_at(fmt::format("an expression is more than {} operations deep", kMaxDepth));
  return std::make_unique<Expr>(Expr{line, depth, std::move(node)});
}

ExprPtr ExpressionParser::parse_tuple(bool with_conditional, const char* end, bool in_parentheses) {
  const int line = tokens_.current().line;
  const auto at_end = [&] {
    const Token& token = tokens_.current();
    return token.kind == TokenKind::kPrintEnd || token.kind == TokenKind::kBlockEnd || token.is_operator(")") ||
           (end != nullptr && token.is_name(end));
  };
  std::vector<ExprPtr> items;
  bool is_tuple = false;
  while (!at_end()) {
    items.push_back(with_conditional ? parse_conditional() : parse_or());
    if (!tokens_.skip_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items.front());
  if (!is_tuple && !in_parentheses) {
    tokens_.fail_at(fmt::format("expected an expression, got {}", describe(tokens_.current())));
  }
  return make(line, Sequence{ListKind::kTuple, std::move(items)});
}

ExprPtr ExpressionParser::parse_conditional() {
  const Nesting nesting(*this);
  const int line = tokens_.current().line;
  ExprPtr value = parse_or();
  while (tokens_.skip_name("if")) {
    ExprPtr condition = parse_or();
    ExprPtr otherwise = tokens_.skip_name("else") ? parse_conditional() : nullptr;
    value = make(line, Conditional{std::move(condition), std::move(value), std::move(otherwise)});
  }
  return value;
}

ExprPtr ExpressionParser::parse_or() {
  const int line = tokens_.current().line;
  ExprPtr left = parse_and();
  while (tokens_.skip_name("or")) left = make(line, Logical{false, std::move(left), parse_and()});
  return left;
}

ExprPtr ExpressionParser::parse_and() {
  const int line = tokens_.current().line;
  ExprPtr left = parse_not();
  while (tokens_.skip_name("and")) left = make(line, Logical{true, std::move(left), parse_not()});
  return left;
}

ExprPtr ExpressionParser::parse_not() {
  const int line = tokens_.current().line;
  if (!tokens_.skip_name("not")) return parse_comparison();
  const Nesting nesting(*this);
  return make(line, Unary{UnaryOp::kNot, parse_not()});
}

ExprPtr ExpressionParser::parse_comparison() {
  const int line = tokens_.current().line;
  ExprPtr first = parse_sum();
  std::vector<std::pair<CompareOp, ExprPtr>> rest;
  while (true) {
    if (const auto op = comparison(tokens_.current())) {
      tokens_.next();
      rest.emplace_back(*op, parse_sum());
    } else if (tokens_.skip_name("in")) {
      rest.emplace_back(CompareOp::kIn, parse_sum());
    } else if (tokens_.current().is_name("not") && tokens_.ahead().is_name("in")) {
      tokens_.next();
      tokens_.next();
      rest.emplace_back(CompareOp::kNotIn, parse_sum());
    } else {
      break;
    }
  }
  return rest.empty() ? std::move(first) : make(line, Compare{std::move(first), std::move(rest)});
}

ExprPtr ExpressionParser::parse_sum() {
  const int line = tokens_.current().line;
  ExprPtr left = parse_concat();
  while (true) {
    const bool add = tokens_.current().is_operator("+");
    if (!add && !tokens_.current().is_operator("-")) return left;
    tokens_.next();
    left = make(line, Binary{add ? BinaryOp::kAdd : BinaryOp::kSub, std::move(left), parse_concat()});
  }
}

ExprPtr ExpressionParser::parse_concat() {
  const int line = tokens_.current().line;
  std::vector<ExprPtr> parts;
  parts.push_back(parse_product());
  while (tokens_.skip_operator("~")) parts.push_back(parse_product());
  return parts.size() == 1 ? std::move(parts.front()) : make(line, Concat{std::move(parts)});
}

ExprPtr ExpressionParser::parse_product() {
  const int line = tokens_.current().line;
  ExprPtr left = parse_power();
  while (const auto op = product(tokens_.current())) {
    tokens_.next();
    left = make(line, Binary{*op, std::move(left), parse_power()});
  }
  return left;
}

ExprPtr ExpressionParser::parse_power() {
  const int line = tokens_.current().line;
  ExprPtr left = parse_unary();
  while (tokens_.skip_operator("**")) left = make(line, Binary{BinaryOp::kPow, std::move(left), parse_unary()});
  return left;
}

ExprPtr ExpressionParser::parse_unary(bool with_filters) {
  const Nesting nesting(*this);
  const int line = tokens_.current().line;
  ExprPtr value;
  if (tokens_.skip_operator("-")) {
    value = make(line, Unary{UnaryOp::kMinus, parse_unary(false)});
  } else if (tokens_.skip_operator("+")) {
    value = make(line, Unary{UnaryOp::kPlus, parse_unary(false)});
  } else {
    value = parse_primary();
  }
  value = parse_postfix(std::move(value));
  return with_filters ? parse_filters_and_tests(std::move(value)) : std::move(value);
}

ExprPtr ExpressionParser::parse_primary() {
  const Token& token = tokens_.current();
  switch (token.kind) {
    case TokenKind::kName: return parse_name();
    case TokenKind::kString: return parse_string();
    case TokenKind::kInteger:
    case TokenKind::kFloat: return parse_number();
    default: break;
  }
  if (token.is_operator("[")) return parse_list();
  if (token.is_operator("{")) return parse_dict();
  if (!token.is_operator("(")) tokens_.fail_at(fmt::format("unexpected {}", describe(token)));
  tokens_.next();
  ExprPtr inner = parse_tuple(true, nullptr, true);
  tokens_.expect_operator(")");
  return inner;
}

ExprPtr ExpressionParser::parse_name() {
  const Token token = tokens_.next();
  const std::string& name = token.text;
  if (name == "true" || name == "True") return make(token.line, Constant{true});
  if (name == "false" || name == "False") return make(token.line, Constant{false});
  if (name == "none" || name == "None") return make(token.line, Constant{None{}});
  mentioned.insert(name);
  return make(token.line, Name{symbols_.intern(name)});
}

ExprPtr ExpressionParser::parse_string() {
  const int line = tokens_.current().line;
  std::string text;
  while (tokens_.current().kind == TokenKind::kString) text += tokens_.next().text;
  return make(line, Constant{constant_text(std::move(text))});
}

ExprPtr ExpressionParser::parse_number() {
  const Token token = tokens_.next();
  if (token.kind == TokenKind::kInteger) return make(token.line, Constant{parse_integer(token)});
  return make(token.line, Constant{parse_float(token.text).value_or(0)});  // the lexer let only numbers through
}

ExprPtr ExpressionParser::parse_list() {
  const int line = tokens_.next().line;
  std::vector<ExprPtr> items;
  while (!tokens_.current().is_operator("]")) {
    items.push_back(parse_expression());
    if (!tokens_.skip_operator(",")) break;
  }
  tokens_.expect_operator("]");
  return make(line, Sequence{ListKind::kList, std::move(items)});
}

ExprPtr ExpressionParser::parse_dict() {
  const int line = tokens_.next().line;
  std::vector<std::pair<ExprPtr, ExprPtr>> entries;
  while (!tokens_.current().is_operator("}")) {
    ExprPtr key = parse_expression();
    tokens_.expect_operator(":");
    entries.emplace_back(std::move(key), parse_expression());
    if (!tokens_.skip_operator(",")) break;
  }
  tokens_.expect_operator("}");
  return make(line, DictLiteral{std::move(entries)});
}

ExprPtr ExpressionParser::parse_postfix(ExprPtr object) {
  while (true) {
    const Token& token = tokens_.current();
    if (token.is_operator(".") || token.is_operator("[")) {
      object = parse_subscript(std::move(object));
    } else if (token.is_operator("(")) {
      const int line = token.line;
      object = make(line, Call{std::move(object), parse_call_args()});
    } else {
      return object;
    }
  }
}

ExprPtr ExpressionParser::parse_subscript(ExprPtr object) {
  const int line = tokens_.current().line;
  if (tokens_.skip_operator(".")) {
    if (tokens_.current().kind == TokenKind::kInteger) {
      return make(line, GetItem{std::move(object), parse_number()});
    }
    return make(line, GetAttr{std::move(object), tokens_.expect(TokenKind::kName).text});
  }
  tokens_.expect_operator("[");
  object = parse_index(std::move(object));
  tokens_.expect_operator("]");
  return object;
}

// Inside [ ]: an index, several as a tuple, or start:stop:step.
ExprPtr ExpressionParser::parse_index(ExprPtr object) {
  const int line = tokens_.current().line;
  const auto bound = [&]() -> ExprPtr {
    return tokens_.current().is_operator(":") || tokens_.current().is_operator("]") ? nullptr : parse_expression();
  };
  ExprPtr start = bound();
  if (tokens_.skip_operator(":")) {
    ExprPtr stop = bound();
    ExprPtr step = tokens_.skip_operator(":") ? bound() : nullptr;
    return make(line, GetSlice{std::move(object), std::move(start), std::move(stop), std::move(step)});
  }
  if (!tokens_.current().is_operator(",") && start) return make(line, GetItem{std::move(object), std::move(start)});
  std::vector<ExprPtr> items;
  if (start) items.push_back(std::move(start));
  while (tokens_.skip_operator(",")) items.push_back(parse_expression());
  return make(line, GetItem{std::move(object), make(line, Sequence{ListKind::kTuple, std::move(items)})});
}

ExprPtr ExpressionParser::parse_filters_and_tests(ExprPtr input) {
  while (true) {
    const Token& token = tokens_.current();
    if (token.is_operator("|")) {
      input = parse_filters(std::move(input));
    } else if (token.is_name("is")) {
      input = parse_test(std::move(input));
    } else if (token.is_operator("(")) {
      const int line = token.line;
      input = make(line, Call{std::move(input), parse_call_args()});
    } else {
      return input;
    }
  }
}

ExprPtr ExpressionParser::parse_filters(ExprPtr input, bool first_inline) {
  while (first_inline || tokens_.skip_operator("|")) {
    first_inline = false;
    const int line = tokens_.current().line;
    std::string name = parse_dotted_name();
    CallArgs args;
    if (tokens_.current().is_operator("(")) args = parse_call_args();
    input = make(line, FilterCall{std::move(input), std::move(name), std::move(args)});
  }
  return input;
}

ExprPtr ExpressionParser::parse_test(ExprPtr input) {
  const int line = tokens_.next().line;  // is
  const bool negated = tokens_.skip_name("not");
  std::string name = parse_dotted_name();
  CallArgs args;
  const Token& token = tokens_.current();
  const bool has_operand =
      (token.kind == TokenKind::kName && !token.is_name("else") && !token.is_name("or") && !token.is_name("and")) ||
      token.kind == TokenKind::kString || token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat ||
      token.is_operator("[") || token.is_operator("{");
  if (token.is_operator("(")) {
    args = parse_call_args();
  } else if (has_operand) {
    if (token.is_name("is")) tokens_.fail_at("You cannot chain multiple tests with is");
    args.positional.push_back(parse_postfix(parse_primary()));
  }
  ExprPtr test = make(line, TestCall{std::move(input), std::move(name), std::move(args)});
  return negated ? make(line, Unary{UnaryOp::kNot, std::move(test)}) : std::move(test);
}

std::string ExpressionParser::parse_dotted_name() {
  std::string name = tokens_.expect(TokenKind::kName).text;
  while (tokens_.skip_operator(".")) name += "." + tokens_.expect(TokenKind::kName).text;
  return name;
}

CallArgs ExpressionParser::parse_call_args() {
  CallArgs args;
  tokens_.expect_operator("(");
  while (!tokens_.current().is_operator(")")) {
    parse_argument(args);
    if (!tokens_.skip_operator(",")) break;
  }
  tokens_.expect_operator(")");
  return args;
}

void ExpressionParser::parse_argument(CallArgs& args) {
  const auto ensure = [&](bool valid) {
    if (!valid) tokens_.fail_at("invalid syntax for function call expression");
  };
  if (tokens_.skip_operator("*")) {
    ensure(!args.rest && !args.rest_named);
    args.rest = parse_expression();
  } else if (tokens_.skip_operator("**")) {
    ensure(!args.rest_named);
    args.rest_named = parse_expression();
  } else if (tokens_.current().kind == TokenKind::kName && tokens_.ahead().is_operator("=")) {
    ensure(!args.rest_named);
    std::string name = tokens_.next().text;
    for (const auto& [other, value] : args.named) {
      if (other == name) tokens_.fail_at(fmt::format("keyword argument repeated: {}", name));
    }
    tokens_.next();
    args.named.emplace_back(std::move(name), parse_expression());
  } else {
    ensure(!args.rest && !args.rest_named && args.named.empty());
    args.positional.push_back(parse_expression());
  }
}

}  // namespace kerf::jinja
