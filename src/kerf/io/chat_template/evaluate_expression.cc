#include "kerf/io/chat_template/attributes.h"
#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/evaluator.h"
#include "kerf/io/chat_template/filters.h"
#include "kerf/io/chat_template/operators.h"
#include "kerf/io/chat_template/predicates.h"
#include "kerf/io/chat_template/text_of.h"

namespace kerf::jinja {

Value Evaluator::eval(const Expr& expr) {
  rt_.meter().step();
  const DepthGuard guard(rt_.meter());
  rt_.line = expr.line;
  return std::visit([this](const auto& node) { return eval_node(node); }, expr.node);
}

Value Evaluator::eval_or_none(const ExprPtr& expr) { return expr ? eval(*expr) : Value(None{}); }

Value Evaluator::eval_node(const Name& node) {
  if (const Value* found = scope_->find(node.symbol)) return *found;
  if (const auto& global = globals_[node.symbol]) return *global;
  return undefined(fmt::format("'{}' is undefined", program_.symbols[node.symbol]));
}

Value Evaluator::eval_node(const Sequence& node) {
  std::vector<Value> items;
  items.reserve(node.items.size());
  for (const ExprPtr& item : node.items) items.push_back(eval(*item));
  return rt_.list(std::move(items), node.kind);
}

Value Evaluator::eval_node(const DictLiteral& node) {
  const auto dict = rt_.dict();
  for (const auto& [key, value] : node.entries) {
    Value evaluated_key = eval(*key);
    dict->set(std::move(evaluated_key), eval(*value));
  }
  return Ref<Dict>(dict);
}

Value Evaluator::eval_node(const GetAttr& node) { return get_attr(rt_, eval(*node.object), node.name); }

Value Evaluator::eval_node(const GetItem& node) {
  const Value object = eval(*node.object);
  return get_item(rt_, object, eval(*node.key));
}

Value Evaluator::eval_node(const GetSlice& node) {
  const Value object = eval(*node.object);
  const Value start = eval_or_none(node.start);
  const Value stop = eval_or_none(node.stop);
  return get_slice(rt_, object, start, stop, eval_or_none(node.step));
}

Value Evaluator::eval_node(const Call& node) { return call(node, {}); }

// `extra`: arguments beside those in the template (the caller of a call block).
Value Evaluator::call(const Call& node, Args extra) {
  const Value callee = eval(*node.callee);
  Args args = eval_args(node.args);
  for (auto& named : extra.named) args.named.push_back(std::move(named));
  if (callee.is_undefined()) raise_undefined(callee);
  if (!callee.is(Kind::kObject)) raise("'{}' object is not callable", type_name(callee));
  return callee.object()->call(rt_, args);
}

Args Evaluator::eval_args(const CallArgs& args) {
  Args out;
  out.positional.reserve(args.positional.size());
  for (const ExprPtr& arg : args.positional) out.positional.push_back(eval(*arg));
  for (const auto& [name, arg] : args.named) out.named.emplace_back(name, eval(*arg));
  if (args.rest) {
    const Ref<List> rest = rt_.items(eval(*args.rest));
    rt_.meter().work(rest->items.size() * sizeof(Value));
    out.positional.insert(out.positional.end(), rest->items.begin(), rest->items.end());
  }
  if (!args.rest_named) return out;
  const Value rest = eval(*args.rest_named);
  if (!rest.is(Kind::kDict)) raise("argument after ** must be a mapping, not {}", type_name(rest));
  for (const auto& [key, value] : rest.dict()->entries()) {
    if (!key.is_string()) raise("keywords must be strings");
    rt_.meter().step(1 + args.named.size());
    for (const auto& [name, arg] : args.named) {
      if (name == key.text()) raise("got multiple values for keyword argument '{}'", name);
    }
    out.named.emplace_back(key.text(), value);
  }
  return out;
}

Value Evaluator::eval_node(const FilterCall& node) {
  const Value input = node.input ? eval(*node.input) : filter_input_;
  return apply_filter(rt_, node.name, input, eval_args(node.args));
}

Value Evaluator::eval_node(const TestCall& node) {
  const Value subject = eval(*node.input);
  return apply_test(rt_, node.name, subject, eval_args(node.args));
}

Value Evaluator::eval_node(const Unary& node) {
  const Value operand = eval(*node.operand);
  if (node.op == UnaryOp::kNot) return !truthy(operand);
  if (node.op == UnaryOp::kMinus) return negate(operand);
  if (operand.is_undefined()) raise_undefined(operand);
  if (!operand.is_number()) raise("bad operand type for unary +: '{}'", type_name(operand));
  return operand.is(Kind::kBool) ? Value(operand.integer()) : operand;
}

Value Evaluator::eval_node(const Binary& node) {
  const Value left = eval(*node.left);
  return apply(rt_, node.op, left, eval(*node.right));
}

// As in Python, the value that decides.
Value Evaluator::eval_node(const Logical& node) {
  Value left = eval(*node.left);
  return truthy(left) == node.is_and ? eval(*node.right) : left;
}

Value Evaluator::eval_node(const Concat& node) {
  TextBuilder out(rt_.meter());
  for (const ExprPtr& part : node.parts) append_str(rt_, out, eval(*part));
  return rt_.text(out.take());
}

Value Evaluator::eval_node(const Compare& node) {
  Value left = eval(*node.first);
  for (const auto& [op, operand] : node.rest) {
    Value right = eval(*operand);
    if (!holds(op, left, right)) return false;
    left = std::move(right);
  }
  return true;
}

bool Evaluator::holds(CompareOp op, const Value& left, const Value& right) {
  Meter& meter = rt_.meter();
  switch (op) {
    case CompareOp::kEq: return equal(meter, left, right);
    case CompareOp::kNe: return !equal(meter, left, right);
    case CompareOp::kLt: return compare(meter, left, right, "<") == -1;
    case CompareOp::kGt: return compare(meter, left, right, ">") == 1;
    case CompareOp::kLe: {
      const int order = compare(meter, left, right, "<=");
      return order == -1 || order == 0;
    }
    case CompareOp::kGe: {
      const int order = compare(meter, left, right, ">=");
      return order == 1 || order == 0;
    }
    case CompareOp::kIn: return contains(rt_, right, left);
    case CompareOp::kNotIn: return !contains(rt_, right, left);
  }
  return false;
}

Value Evaluator::eval_node(const Conditional& node) {
  if (truthy(eval(*node.condition))) return eval(*node.then);
  if (node.otherwise) return eval(*node.otherwise);
  return undefined("the inline if-expression evaluated to false and no else section was defined");
}

}  // namespace kerf::jinja
