#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/evaluator.h"
#include "kerf/io/chat_template/functions.h"
#include "kerf/io/chat_template/loop.h"
#include "kerf/io/chat_template/symbol_table.h"
#include "kerf/io/chat_template/text_of.h"

namespace kerf::jinja {

namespace {

// Blocks write text, and nothing that would first have to become text.
void append_text(TextBuilder& out, const Value& value) {
  if (!value.is_string()) raise("a block results in {} instead of text", type_name(value));
  out.append(value.text());
}

}  // namespace

class Evaluator::InScope {
 public:
  InScope(Evaluator& evaluator, std::shared_ptr<Scope> scope)
      : evaluator_(evaluator), outer_(std::exchange(evaluator.scope_, std::move(scope))) {}
  ~InScope() { evaluator_.scope_ = std::move(outer_); }
  InScope(const InScope&) = delete;
  InScope& operator=(const InScope&) = delete;

 private:
  Evaluator& evaluator_;
  std::shared_ptr<Scope> outer_;
};

Evaluator::Evaluator(const Program& program, Runtime& rt, std::vector<std::optional<Value>> globals)
    : program_(program), rt_(rt), globals_(std::move(globals)), scope_(std::make_shared<Scope>(rt.meter(), nullptr)) {}

void Evaluator::run(TextBuilder& out) { run_body(program_.body, out); }

std::shared_ptr<Scope> Evaluator::child_scope() const { return std::make_shared<Scope>(rt_.meter(), scope_); }

Evaluator::Flow Evaluator::run_body(const Body& body, TextBuilder& out) {
  const DepthGuard guard(rt_.meter());
  for (const Stmt& stmt : body) {
    rt_.meter().step();
    rt_.line = stmt.line;
    const Flow flow = std::visit([&](const auto& node) { return run_stmt(node, out); }, stmt.node);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run_stmt(const Text& node, TextBuilder& out) {
  out.append(node.text);
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run_stmt(const Print& node, TextBuilder& out) {
  append_str(rt_, out, eval(*node.value));
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run_stmt(const If& node, TextBuilder& out) {
  for (const auto& [condition, body] : node.branches) {
    if (truthy(eval(*condition))) return run_body(body, out);
  }
  return run_body(node.otherwise, out);
}

Evaluator::Flow Evaluator::run_stmt(const For& node, TextBuilder& out) {
  return run_loop(node, eval(*node.iterable), 0, out);
}

Evaluator::Flow Evaluator::run_loop(const For& node, const Value& iterable, int64_t depth, TextBuilder& out) {
  if (run_passes(node, loop_items(node, iterable), depth, out)) return Flow::kNext;
  const InScope scope(*this, child_scope());
  return run_body(node.otherwise, out);
}

// Returns whether some pass came to its end. That, not whether there are items, is how Jinja decides
// about `else`: a loop whose every pass is cut short by break or continue runs it.
bool Evaluator::run_passes(const For& node, const Ref<List>& items, int64_t depth, TextBuilder& out) {
  bool completed = false;
  const auto loop = std::make_shared<Loop>(*this, node, scope_, items, depth);
  const Loop::Ending ending(*loop);
  for (size_t i = 0; i < items->items.size(); ++i) {
    rt_.meter().step();
    loop->index = i;
    const InScope scope(*this, child_scope());
    scope_->set(kLoopSymbol, std::shared_ptr<Object>(loop));
    assign(node.target, items->items[i]);
    const Flow flow = run_body(node.body, out);
    completed = completed || flow == Flow::kNext;
    if (flow == Flow::kBreak) break;
  }
  return completed;
}

Ref<List> Evaluator::loop_items(const For& node, const Value& iterable) {
  Ref<List> all = rt_.items(iterable);
  if (!node.filter) return all;
  std::vector<Value> kept;
  for (const Value& item : all->items) {
    const InScope scope(*this, child_scope());
    scope_->set(kLoopSymbol, undefined("'loop' is undefined in the filter of a loop"));
    assign(node.target, item);
    if (truthy(eval(*node.filter))) kept.push_back(item);
  }
  return rt_.list(std::move(kept)).list();
}

Value Evaluator::run_recursive(const For& node, const std::shared_ptr<Scope>& closure, const Value& iterable,
                               int64_t depth) {
  const InScope scope(*this, closure);
  TextBuilder out(rt_.meter());
  run_loop(node, iterable, depth, out);
  return rt_.text(out.take());
}

void Evaluator::assign(const Target& target, const Value& value) {
  switch (target.kind) {
    case Target::Kind::kName: return scope_->set(target.symbol, value);
    case Target::Kind::kAttribute: {
      const Value object = eval_node(Name{target.symbol});
      auto* space = object.is(Kind::kObject) ? dynamic_cast<Namespace*>(object.object().get()) : nullptr;
      if (space == nullptr) raise("cannot assign attribute on non-namespace object");
      return space->set(rt_, target.attribute, value);
    }
    case Target::Kind::kTuple: break;
  }
  const Ref<List> items = rt_.items(value);
  if (items->items.size() != target.items.size()) {
    raise("cannot unpack {} values into {} names", items->items.size(), target.items.size());
  }
  for (size_t i = 0; i < items->items.size(); ++i) assign(target.items[i], items->items[i]);
}

Evaluator::Flow Evaluator::run_stmt(const Set& node, TextBuilder&) {
  assign(node.target, eval(*node.value));
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run_stmt(const SetBlock& node, TextBuilder&) {
  TextBuilder body(rt_.meter());
  {
    const InScope scope(*this, child_scope());
    if (const Flow flow = run_body(node.body, body); flow != Flow::kNext) return flow;
  }
  assign(node.target, filtered(node.filter, body.take()));
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run_stmt(const FilterBlock& node, TextBuilder& out) {
  TextBuilder body(rt_.meter());
  const InScope scope(*this, child_scope());
  if (const Flow flow = run_body(node.body, body); flow != Flow::kNext) return flow;
  append_text(out, filtered(node.filter, body.take()));
  return Flow::kNext;
}

Value Evaluator::filtered(const ExprPtr& filter, std::string body) {
  Value text = rt_.text(std::move(body));
  if (!filter) return text;
  const Value outer = std::exchange(filter_input_, std::move(text));
  Value result = eval(*filter);
  filter_input_ = outer;
  return result;
}

Evaluator::Flow Evaluator::run_stmt(const With& node, TextBuilder& out) {
  auto inner = child_scope();
  for (const auto& [target, value] : node.variables) {
    const Value evaluated = eval(*value);
    const InScope scope(*this, inner);
    assign(target, evaluated);
  }
  const InScope scope(*this, std::move(inner));
  return run_body(node.body, out);
}

Evaluator::Flow Evaluator::run_stmt(const Scoped& node, TextBuilder& out) {
  const InScope scope(*this, child_scope());
  return run_body(node.body, out);
}

Evaluator::Flow Evaluator::run_stmt(const MacroStmt& node, TextBuilder&) {
  scope_->set(node.symbol, make_macro(node.macro));
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run_stmt(const CallBlock& node, TextBuilder& out) {
  Args caller;
  caller.named.emplace_back("caller", make_macro(node.caller));
  append_text(out, call(*std::get_if<Call>(&node.call->node), std::move(caller)));
  return Flow::kNext;
}

Value Evaluator::call_macro(const MacroDef& macro, const std::shared_ptr<Scope>& closure, const Args& args) {
  const InScope scope(*this, std::make_shared<Scope>(rt_.meter(), closure));
  bind_parameters(macro, args, *scope_);
  TextBuilder out(rt_.meter());
  run_body(macro.body, out);
  return rt_.text(out.take());
}

}  // namespace kerf::jinja
