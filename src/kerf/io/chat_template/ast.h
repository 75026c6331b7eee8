// The syntax tree of a template. Expressions and statements are plain data; evaluator.h runs them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kerf/io/chat_template/value.h"

namespace kerf::jinja {

// A variable's name, as its index in Program::symbols.
using Symbol = uint32_t;

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;  // null where the grammar lets it be absent

struct CallArgs {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr rest;        // *rest
  ExprPtr rest_named;  // **rest_named
};

struct Constant {
  Value value;
};
struct Name {
  Symbol symbol;
};
struct Sequence {
  ListKind kind;
  std::vector<ExprPtr> items;
};
struct DictLiteral {
  std::vector<std::pair<ExprPtr, ExprPtr>> entries;
};
struct GetAttr {
  ExprPtr object;
  std::string name;
};
struct GetItem {
  ExprPtr object;
  ExprPtr key;
};
struct GetSlice {
  ExprPtr object;
  ExprPtr start, stop, step;
};
struct Call {
  ExprPtr callee;
  CallArgs args;
};
struct FilterCall {
  ExprPtr input;  // null: the rendered body of a filter or set block
  std::string name;
  CallArgs args;
};
struct TestCall {
  ExprPtr input;
  std::string name;
  CallArgs args;
};
enum class UnaryOp : uint8_t { kNot, kMinus, kPlus };
struct Unary {
  UnaryOp op;
  ExprPtr operand;
};
enum class BinaryOp : uint8_t { kAdd, kSub, kMul, kDiv, kFloorDiv, kMod, kPow };
struct Binary {
  BinaryOp op;
  ExprPtr left, right;
};
struct Logical {
  bool is_and;
  ExprPtr left, right;
};
struct Concat {
  std::vector<ExprPtr> parts;  // a ~ b ~ c
};
enum class CompareOp : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe, kIn, kNotIn };
struct Compare {
  ExprPtr first;
  std::vector<std::pair<CompareOp, ExprPtr>> rest;  // a < b < c
};
struct Conditional {
  ExprPtr condition, then, otherwise;  // otherwise may be null
};

struct Expr {
  int line;
  int depth;  // of the subtree
  std::variant<Constant, Name, Sequence, DictLiteral, GetAttr, GetItem, GetSlice, Call, FilterCall, TestCall, Unary,
               Binary, Logical, Concat, Compare, Conditional>
      node;
};

// What `set` and `for` assign to: a name, namespace.attribute, or a tuple of targets.
struct Target {
  enum class Kind : uint8_t { kName, kAttribute, kTuple } kind = Kind::kName;
  Symbol symbol = 0;
  std::string attribute;
  std::vector<Target> items;
};

struct Stmt;
using Body = std::vector<Stmt>;

struct Signature {
  std::vector<Symbol> parameters;
  std::vector<ExprPtr> defaults;  // of the last parameters
};

// A macro, or the body of a call block, which is a macro named "caller".
struct MacroDef {
  std::string name;
  Signature signature;
  Body body;
  // Whether the body mentions these names; only then are they passed.
  bool uses_varargs = false;
  bool uses_kwargs = false;
  bool uses_caller = false;
};

struct Text {
  std::string text;
};
struct Print {
  ExprPtr value;
};
struct If {
  std::vector<std::pair<ExprPtr, Body>> branches;
  Body otherwise;
};
struct For {
  Target target;
  ExprPtr iterable;
  ExprPtr filter;
  bool recursive;
  Body body, otherwise;
};
struct Set {
  Target target;
  ExprPtr value;
};
struct SetBlock {
  Target target;
  ExprPtr filter;  // or null
  Body body;
};
struct MacroStmt {
  Symbol symbol;
  MacroDef macro;
};
struct CallBlock {
  MacroDef caller;
  ExprPtr call;  // a Call
};
struct FilterBlock {
  ExprPtr filter;
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExprPtr>> variables;
  Body body;
};
struct Scoped {
  Body body;  // generation, block, autoescape false
};
struct Break {};
struct Continue {};

struct Stmt {
  int line;
  std::variant<Text, Print, If, For, Set, SetBlock, MacroStmt, CallBlock, FilterBlock, With, Scoped, Break, Continue>
      node;
};

struct Program {
  std::vector<std::string> symbols;
  Body body;
};

}  // namespace kerf::jinja
