#include "kerf/io/chat_template/parser.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/expression_parser.h"
#include "kerf/io/chat_template/lexer.h"

namespace kerf::jinja {

namespace {

// Blocks within blocks; real templates stay under 15.
constexpr int kMaxBlockNesting = 60;

using Names = std::initializer_list<const char*>;

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(tokenize(source)), expressions_(tokens_, symbols_) {}

  Program run() {
    Body body = parse_body({});
    return {symbols_.take(), std::move(body)};
  }

 private:
  // Statements up to the end of the template, or to a tag named in `ends`, whose name is then current.
  Body parse_body(Names ends) {
    if (++nesting_ > kMaxBlockNesting) tokens_.fail_at(fmt::format("blocks nest deeper than {}", kMaxBlockNesting));
    Body body;
    while (tokens_.current().kind != TokenKind::kEnd) {
      const Token& token = tokens_.next();
      const int line = token.line;
      if (token.kind == TokenKind::kText) {
        body.push_back({line, Text{token.text}});
      } else if (token.kind == TokenKind::kPrintBegin) {
        body.push_back({line, Print{expressions_.parse_tuple()}});
        tokens_.expect(TokenKind::kPrintEnd);
      } else {
        if (at_any(ends)) break;
        parse_statement(body, ends);
        tokens_.expect(TokenKind::kBlockEnd);
      }
    }
    if (ends.size() > 0 && tokens_.current().kind == TokenKind::kEnd) {
      tokens_.fail_at(fmt::format("unexpected end of template, expected {}", listed(ends)));
    }
    --nesting_;
    return body;
  }

  [[nodiscard]] bool at_any(Names names) const {
    for (const char* name : names) {
      if (tokens_.current().is_name(name)) return true;
    }
    return false;
  }

  static std::string listed(Names names) {
    std::string out;
    for (const char* name : names) out += fmt::format("{}'{}'", out.empty() ? "" : " or ", name);
    return out;
  }

  // The rest of the opening tag, the statements, and the name of the closing tag.
  Body parse_block(Names ends) {
    tokens_.skip_operator(":");
    tokens_.expect(TokenKind::kBlockEnd);
    return parse_body(ends);
  }

  Body parse_block_to(const char* end) {
    Body body = parse_block({end});
    tokens_.next();
    return body;
  }

  void parse_statement(Body& body, Names ends) {
    const Token tag = tokens_.expect(TokenKind::kName);
    const int line = tag.line;
    const std::string& name = tag.text;
    if (name == "if") return body.push_back({line, parse_if()});
    if (name == "for") return body.push_back({line, parse_for()});
    if (name == "set") return parse_set(body, line);
    if (name == "macro") return body.push_back({line, parse_macro()});
    if (name == "call") return body.push_back({line, parse_call()});
    if (name == "filter") return body.push_back({line, parse_filter()});
    if (name == "with") return body.push_back({line, parse_with()});
    if (name == "print") return parse_print(body, line);
    if (name == "generation") return body.push_back({line, Scoped{parse_own_function("endgeneration")}});
    if (name == "block") return body.push_back({line, parse_named_block()});
    if (name == "autoescape") return body.push_back({line, parse_autoescape()});
    if (name == "break" || name == "continue") return parse_loop_control(body, line, name == "break");
    for (const char* refused : {"extends", "include", "import", "from"}) {
      if (name == refused) {
        TokenStream::fail_at(fmt::format("'{}' is not supported: a chat template is one file", name), line);
      }
    }
    std::string message = fmt::format("unknown tag '{}'", name);
    if (ends.size() > 0) message += fmt::format(", or a nesting mistake: expected {}", listed(ends));
    TokenStream::fail_at(std::move(message), line);
  }

  If parse_if() {
    If node;
    while (true) {
      ExprPtr condition = expressions_.parse_tuple(false);
      Body body = parse_block({"elif", "else", "endif"});
      node.branches.emplace_back(std::move(condition), std::move(body));
      if (tokens_.skip_name("elif")) continue;
      if (tokens_.skip_name("else")) {
        node.otherwise = parse_block_to("endif");
      } else {
        tokens_.expect_name("endif");
      }
      return node;
    }
  }

  For parse_for() {
    For node;
    node.target = parse_target("in");
    if (mentions(node.target, kLoopSymbol)) tokens_.fail_at("can't assign to the special variable 'loop'");
    tokens_.expect_name("in");
    node.iterable = expressions_.parse_tuple(false, "recursive");
    if (tokens_.skip_name("if")) node.filter = expressions_.parse_expression();
    node.recursive = tokens_.skip_name("recursive");
    ++loops_;
    node.body = parse_block({"endfor", "else"});
    --loops_;
    if (tokens_.skip_name("else")) {
      node.otherwise = parse_block_to("endfor");
    } else {
      tokens_.expect_name("endfor");
    }
    return node;
  }

  void parse_set(Body& body, int line) {
    Target target;
    if (tokens_.ahead().is_operator(".")) {
      target.kind = Target::Kind::kAttribute;
      target.symbol = parse_symbol();
      tokens_.next();
      target.attribute = tokens_.expect(TokenKind::kName).text;
    } else {
      target = parse_target(nullptr);
    }
    if (tokens_.skip_operator("=")) {
      body.push_back({line, Set{std::move(target), expressions_.parse_tuple()}});
      return;
    }
    ExprPtr filter = expressions_.parse_filters(nullptr);
    body.push_back({line, SetBlock{std::move(target), std::move(filter), parse_block_to("endset")}});
  }

  MacroStmt parse_macro() {
    MacroStmt node;
    node.macro.name = tokens_.current().text;
    node.symbol = parse_symbol();
    parse_macro_body(node.macro, "endmacro", true);
    return node;
  }

  CallBlock parse_call() {
    CallBlock node;
    node.caller.name = "caller";
    const int line = tokens_.current().line;
    if (tokens_.current().is_operator("(")) parse_signature(node.caller.signature);
    node.call = expressions_.parse_expression();
    if (!std::holds_alternative<Call>(node.call->node)) TokenStream::fail_at("expected a call", line);
    parse_macro_body(node.caller, "endcall", false);
    return node;
  }

  // Notes what the body mentions: varargs, kwargs and caller are passed only where they are used.
  void parse_macro_body(MacroDef& macro, const char* end, bool with_signature) {
    std::set<std::string> outer = std::exchange(expressions_.mentioned, {});
    if (with_signature) parse_signature(macro.signature);
    macro.body = parse_own_function(end);
    macro.uses_varargs = expressions_.mentioned.contains("varargs");
    macro.uses_kwargs = expressions_.mentioned.contains("kwargs");
    macro.uses_caller = expressions_.mentioned.contains("caller");
    expressions_.mentioned.merge(outer);
  }

  // A body that Jinja compiles to a function: loops outside it cannot be left from inside.
  Body parse_own_function(const char* end) {
    const int outer = std::exchange(loops_, 0);
    Body body = parse_block_to(end);
    loops_ = outer;
    return body;
  }

  void parse_signature(Signature& signature) {
    tokens_.expect_operator("(");
    while (!tokens_.current().is_operator(")")) {
      if (!signature.parameters.empty()) tokens_.expect_operator(",");
      signature.parameters.push_back(parse_symbol());
      if (tokens_.skip_operator("=")) {
        signature.defaults.push_back(expressions_.parse_expression());
      } else if (!signature.defaults.empty()) {
        tokens_.fail_at("non-default argument follows default argument");
      }
    }
    tokens_.next();
  }

  FilterBlock parse_filter() {
    ExprPtr filter = expressions_.parse_filters(nullptr, true);
    return {std::move(filter), parse_block_to("endfilter")};
  }

  With parse_with() {
    With node;
    while (tokens_.current().kind != TokenKind::kBlockEnd) {
      if (!node.variables.empty()) tokens_.expect_operator(",");
      Target target = parse_target(nullptr);
      tokens_.expect_operator("=");
      node.variables.emplace_back(std::move(target), expressions_.parse_expression());
    }
    node.body = parse_block_to("endwith");
    return node;
  }

  void parse_print(Body& body, int line) {
    for (bool first = true; tokens_.current().kind != TokenKind::kBlockEnd; first = false) {
      if (!first) tokens_.expect_operator(",");
      body.push_back({line, Print{expressions_.parse_expression()}});
    }
  }

  Scoped parse_named_block() {
    const std::string name = tokens_.expect(TokenKind::kName).text;
    tokens_.skip_name("scoped");
    tokens_.skip_name("required");
    Scoped node{parse_own_function("endblock")};
    tokens_.skip_name(name.c_str());
    return node;
  }

  Scoped parse_autoescape() {
    const int line = tokens_.current().line;
    const ExprPtr on = expressions_.parse_expression();
    const auto* constant = std::get_if<Constant>(&on->node);
    if (constant == nullptr || truthy(constant->value)) {
      TokenStream::fail_at("'autoescape' is not supported: prompts are not HTML", line);
    }
    return {parse_block_to("endautoescape")};
  }

  void parse_loop_control(Body& body, int line, bool is_break) {
    if (loops_ == 0) TokenStream::fail_at(fmt::format("'{}' outside loop", is_break ? "break" : "continue"), line);
    if (is_break) {
      body.push_back({line, Break{}});
    } else {
      body.push_back({line, Continue{}});
    }
  }

  Symbol parse_symbol() {
    const Token token = tokens_.expect(TokenKind::kName);
    check_assignable(token);
    return symbols_.intern(token.text);
  }

  static void check_assignable(const Token& token) {
    for (const char* constant : {"true", "false", "none", "True", "False", "None"}) {
      if (token.text == constant) TokenStream::fail_at(fmt::format("can't assign to '{}'", token.text), token.line);
    }
  }

  // A name, or names with commas between, parentheses allowed. `end` is the name that follows.
  Target parse_target(const char* end) {
    if (++nesting_ > kMaxBlockNesting) tokens_.fail_at("assignment targets nest too deeply");
    Target tuple{Target::Kind::kTuple, 0, {}, {}};
    bool is_tuple = false;
    while (!at_target_end(end)) {
      if (tokens_.skip_operator("(")) {
        tuple.items.push_back(parse_target(nullptr));
        tokens_.expect_operator(")");
      } else {
        tuple.items.push_back({Target::Kind::kName, parse_symbol(), {}, {}});
      }
      if (!tokens_.skip_operator(",")) break;
      is_tuple = true;
    }
    --nesting_;
    if (tuple.items.empty()) tokens_.fail_expected("a name");
    return is_tuple ? std::move(tuple) : std::move(tuple.items.front());
  }

  static bool mentions(const Target& target, Symbol symbol) {
    if (target.kind == Target::Kind::kName) return target.symbol == symbol;
    return std::any_of(target.items.begin(), target.items.end(),
                       [&](const Target& item) { return mentions(item, symbol); });
  }

  [[nodiscard]] bool at_target_end(const char* end) const {
    const Token& token = tokens_.current();
    return token.kind == TokenKind::kBlockEnd || token.is_operator(")") || token.is_operator("=") ||
           (end != nullptr && token.is_name(end));
  }

  SymbolTable symbols_;
  TokenStream tokens_;
  ExpressionParser expressions_;
  int nesting_ = 0;
  int loops_ = 0;
};

}  // namespace

Program parse_program(std::string_view source) { return Parser(source).run(); }

}  // namespace kerf::jinja
