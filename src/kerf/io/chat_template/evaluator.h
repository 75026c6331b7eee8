// Runs a program: statements write text, expressions make values.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kerf/io/chat_template/ast.h"
#include "kerf/io/chat_template/runtime.h"
#include "kerf/io/chat_template/scope.h"

namespace kerf::jinja {

class Loop;

class Evaluator {
 public:
  // globals: by symbol, what the context and the built-in functions define.
  // REQUIRES: program and rt outlive the evaluator, and the evaluator every macro it made.
  Evaluator(const Program& program, Runtime& rt, std::vector<std::optional<Value>> globals);

  void run(TextBuilder& out);

  // A macro's body with its parameters bound, as text. `closure`: the scope where it was defined.
  Value call_macro(const MacroDef& macro, const std::shared_ptr<Scope>& closure, const Args& args);
  // {{ loop(iterable) }} of a recursive loop.
  Value run_recursive(const For& node, const std::shared_ptr<Scope>& closure, const Value& iterable, int64_t depth);

 private:
  enum class Flow : uint8_t { kNext, kBreak, kContinue };

  // Makes `scope` the current one for as long as it lives.
  class InScope;
  [[nodiscard]] std::shared_ptr<Scope> child_scope() const;

  Flow run_body(const Body& body, TextBuilder& out);
  Flow run_stmt(const Text& node, TextBuilder& out);
  Flow run_stmt(const Print& node, TextBuilder& out);
  Flow run_stmt(const If& node, TextBuilder& out);
  Flow run_stmt(const For& node, TextBuilder& out);
  Flow run_stmt(const Set& node, TextBuilder& out);
  Flow run_stmt(const SetBlock& node, TextBuilder& out);
  Flow run_stmt(const MacroStmt& node, TextBuilder& out);
  Flow run_stmt(const CallBlock& node, TextBuilder& out);
  Flow run_stmt(const FilterBlock& node, TextBuilder& out);
  Flow run_stmt(const With& node, TextBuilder& out);
  Flow run_stmt(const Scoped& node, TextBuilder& out);
  Flow run_stmt(const Break&, TextBuilder&) { return Flow::kBreak; }
  Flow run_stmt(const Continue&, TextBuilder&) { return Flow::kContinue; }

  Flow run_loop(const For& node, const Value& iterable, int64_t depth, TextBuilder& out);
  bool run_passes(const For& node, const Ref<List>& items, int64_t depth, TextBuilder& out);
  [[nodiscard]] Ref<List> loop_items(const For& node, const Value& iterable);
  void assign(const Target& target, const Value& value);
  [[nodiscard]] Value make_macro(const MacroDef& macro);
  void bind_parameters(const MacroDef& macro, const Args& args, Scope& scope);
  [[nodiscard]] Value filtered(const ExprPtr& filter, std::string body);

  Value eval(const Expr& expr);
  Value eval_or_none(const ExprPtr& expr);
  Value eval_node(const Constant& node) { return node.value; }
  Value eval_node(const Name& node);
  Value eval_node(const Sequence& node);
  Value eval_node(const DictLiteral& node);
  Value eval_node(const GetAttr& node);
  Value eval_node(const GetItem& node);
  Value eval_node(const GetSlice& node);
  Value eval_node(const Call& node);
  Value eval_node(const FilterCall& node);
  Value eval_node(const TestCall& node);
  Value eval_node(const Unary& node);
  Value eval_node(const Binary& node);
  Value eval_node(const Logical& node);
  Value eval_node(const Concat& node);
  Value eval_node(const Compare& node);
  Value eval_node(const Conditional& node);

  [[nodiscard]] Args eval_args(const CallArgs& args);
  Value call(const Call& node, Args args);
  [[nodiscard]] bool holds(CompareOp op, const Value& left, const Value& right);

  const Program& program_;
  Runtime& rt_;
  std::vector<std::optional<Value>> globals_;
  std::shared_ptr<Scope> scope_;
  Value filter_input_;  // of the innermost filter or set block that is being filtered
};

}  // namespace kerf::jinja
