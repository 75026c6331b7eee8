#include "kerf/io/chat_template/operators.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/format.h"
#include "kerf/io/chat_template/markup.h"

namespace kerf::jinja {

namespace {

std::string_view symbol(BinaryOp op) {
  static constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSymbols[static_cast<size_t>(op)];
}

[[noreturn]] void overflow() { raise("an integer does not fit into 64 bits"); }
[[noreturn]] void division_by_zero() { raise("division by zero"); }

int64_t floor_div(int64_t a, int64_t b) {
  if (b == 0) division_by_zero();
  if (a == std::numeric_limits<int64_t>::min() && b == -1) overflow();
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

int64_t modulo(int64_t a, int64_t b) {
  if (b == 0) division_by_zero();
  if (b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;  // the divisor's sign
}

double floor_div(double a, double b) {
  if (b == 0) division_by_zero();
  const double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

double modulo(double a, double b) {
  if (b == 0) division_by_zero();
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

int64_t integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (true) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) overflow();
    exponent >>= 1;
    if (exponent == 0) return result;
    if (__builtin_mul_overflow(base, base, &base)) overflow();
  }
}

Value real_power(double base, double exponent) {
  if (base == 0 && exponent < 0) raise("0.0 cannot be raised to a negative power");
  const double result = std::pow(base, exponent);
  if (std::isnan(result) && !std::isnan(base) && !std::isnan(exponent)) raise("a power is not a real number");
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) raise("a power is too large");
  return result;
}

Value integer_arithmetic(BinaryOp op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool failed = false;
  switch (op) {
    case BinaryOp::kAdd: failed = __builtin_add_overflow(a, b, &result); break;
    case BinaryOp::kSub: failed = __builtin_sub_overflow(a, b, &result); break;
    case BinaryOp::kMul: failed = __builtin_mul_overflow(a, b, &result); break;
    case BinaryOp::kFloorDiv: return floor_div(a, b);
    case BinaryOp::kMod: return modulo(a, b);
    case BinaryOp::kDiv:
      if (b == 0) division_by_zero();
      return static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b));  // both exact in 64 bits
    case BinaryOp::kPow:
      if (b < 0) return real_power(static_cast<double>(a), static_cast<double>(b));
      return integer_power(a, b);
  }
  if (failed) overflow();
  return result;
}

Value real_arithmetic(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd: return a + b;
    case BinaryOp::kSub: return a - b;
    case BinaryOp::kMul: return a * b;
    case BinaryOp::kDiv:
      if (b == 0) division_by_zero();
      return a / b;
    case BinaryOp::kFloorDiv: return floor_div(a, b);
    case BinaryOp::kMod: return modulo(a, b);
    case BinaryOp::kPow: return real_power(a, b);
  }
  return {};
}

Value join_texts(Runtime& rt, const Value& left, const Value& right) {
  const bool markup = left.string().markup || right.string().markup;
  if (markup && !(left.string().markup && right.string().markup)) {
    return join_texts(rt, escaped(rt, left), escaped(rt, right));
  }
  const Charge transient(rt.meter(), left.text().size() + right.text().size());
  std::string joined;
  joined.reserve(left.text().size() + right.text().size());
  joined.append(left.text()).append(right.text());
  return rt.text(std::move(joined), markup, left.string().chars + right.string().chars);
}

bool is_plain_list(const Value& value) { return value.is(Kind::kList) && !value.list()->is_view(); }

Value join_lists(Runtime& rt, const List& left, const List& right) {
  const Charge transient(rt.meter(), (left.items.size() + right.items.size()) * sizeof(Value));
  std::vector<Value> items;
  items.reserve(left.items.size() + right.items.size());
  items.insert(items.end(), left.items.begin(), left.items.end());
  items.insert(items.end(), right.items.begin(), right.items.end());
  return rt.list(std::move(items), left.is_tuple() ? ListKind::kTuple : ListKind::kList);
}

// A size that certainly exceeds every limit stands for one that overflows.
size_t repeated_bytes(size_t unit, uint64_t count) {
  size_t bytes = 0;
  return __builtin_mul_overflow(unit, count, &bytes) ? std::numeric_limits<size_t>::max() / 2 : bytes;
}

Value repeat(Runtime& rt, const Value& sequence, int64_t times) {
  const auto count = static_cast<uint64_t>(times < 0 ? 0 : times);
  if (sequence.is_string()) {
    const std::string& unit = sequence.text();
    const Charge transient(rt.meter(), repeated_bytes(unit.size(), count));
    if (unit.empty()) return sequence;
    std::string out;
    out.reserve(unit.size() * count);
    if (count > 0) out = unit;
    while (out.size() < unit.size() * count) out.append(out, 0, std::min(out.size(), unit.size() * count - out.size()));
    return rt.text(std::move(out), sequence.string().markup);
  }
  const List& unit = *sequence.list();
  const Charge transient(rt.meter(), repeated_bytes(unit.items.size() * sizeof(Value), count));
  std::vector<Value> items;
  items.reserve(unit.items.size() * count);
  for (uint64_t i = 0; i < count && !unit.items.empty(); ++i) {
    items.insert(items.end(), unit.items.begin(), unit.items.end());
  }
  return rt.list(std::move(items), unit.is_tuple() ? ListKind::kTuple : ListKind::kList);
}

Value percent(Runtime& rt, const Value& format, const Value& operand) {
  if (!format.string().markup) return rt.text(format_percent(rt, format.text(), operand));
  const Value safe = escaped(rt, Args{{operand}, {}}).positional.front();
  return rt.text(format_percent(rt, format.text(), safe), true);
}

}  // namespace

Value apply(Runtime& rt, BinaryOp op, const Value& left, const Value& right) {
  if (left.is_number() && right.is_number()) {
    if (left.is_integral() && right.is_integral()) return integer_arithmetic(op, left.integer(), right.integer());
    return real_arithmetic(op, left.real(), right.real());
  }
  if (op == BinaryOp::kMod && left.is_string()) return percent(rt, left, right);
  if (left.is_undefined()) raise_undefined(left);
  if (right.is_undefined()) raise_undefined(right);
  if (op == BinaryOp::kAdd) {
    if (left.is_string() && right.is_string()) return join_texts(rt, left, right);
    const bool lists = is_plain_list(left) && is_plain_list(right);
    if (lists && left.list()->is_tuple() == right.list()->is_tuple()) {
      return join_lists(rt, *left.list(), *right.list());
    }
  }
  if (op == BinaryOp::kMul) {
    if ((left.is_string() || is_plain_list(left)) && right.is_integral()) return repeat(rt, left, right.integer());
    if ((right.is_string() || is_plain_list(right)) && left.is_integral()) return repeat(rt, right, left.integer());
  }
  raise("unsupported operand types for {}: '{}' and '{}'", symbol(op), type_name(left), type_name(right));
}

Value negate(const Value& value) {
  if (value.is_undefined()) raise_undefined(value);
  if (value.is(Kind::kFloat)) return -value.real();
  if (!value.is_integral()) raise("bad operand type for unary -: '{}'", type_name(value));
  if (value.integer() == std::numeric_limits<int64_t>::min()) overflow();
  return -value.integer();
}

}  // namespace kerf::jinja
