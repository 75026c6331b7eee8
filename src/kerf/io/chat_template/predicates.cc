#include "kerf/io/chat_template/predicates.h"

#include <unordered_map>

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/filters.h"
#include "kerf/io/chat_template/operators.h"
#include "kerf/io/chat_template/text_of.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

// Tests of the subject alone.
template <bool (*holds)(const Value& subject)>
bool plain(Runtime&, const Value& subject, const Args& args) {
  expect_no_args("test", args);
  return holds(subject);
}

template <bool (*holds)(Runtime& rt, const Value& subject)>
bool plain(Runtime& rt, const Value& subject, const Args& args) {
  expect_no_args("test", args);
  return holds(rt, subject);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is(Kind::kBool); }
bool is_true(const Value& value) { return value.is(Kind::kBool) && value.boolean(); }
bool is_false(const Value& value) { return value.is(Kind::kBool) && !value.boolean(); }
bool is_integer(const Value& value) { return value.is(Kind::kInt); }
bool is_float(const Value& value) { return value.is(Kind::kFloat); }
bool is_number(const Value& value) { return value.is_number(); }
bool is_string(const Value& value) { return value.is_string(); }
bool is_mapping(const Value& value) { return value.is(Kind::kDict); }
bool is_escaped(const Value& value) { return value.is_string() && value.string().markup; }
bool is_callable(const Value& value) {
  // Jinja's Undefined has a __call__, which raises when used.
  return value.is_undefined() || (value.is(Kind::kObject) && value.object()->callable());
}
bool is_iterable(const Value& value) { return Runtime::iterable(value); }
bool is_sequence(const Value& value) {
  if (value.is(Kind::kList)) return !value.list()->is_view();
  return Runtime::iterable(value) && !value.is(Kind::kIterator);
}

bool is_lower_case(Runtime& rt, const Value& value) { return is_lower_text(str(rt, value)); }
bool is_upper_case(Runtime& rt, const Value& value) { return is_upper_text(str(rt, value)); }

bool remainder_is(Runtime& rt, const Value& value, const Value& divisor, int64_t rest) {
  return equal(rt.meter(), apply(rt, BinaryOp::kMod, value, divisor), rest);
}
bool is_odd(Runtime& rt, const Value& value) { return remainder_is(rt, value, int64_t{2}, 1); }
bool is_even(Runtime& rt, const Value& value) { return remainder_is(rt, value, int64_t{2}, 0); }
bool is_divisible(Runtime& rt, const Value& value, const Args& args) {
  return remainder_is(rt, value, Bound("divisibleby", args, {"num"}, 1)[0], 0);
}

bool is_equal(Runtime& rt, const Value& value, const Args& args) {
  return equal(rt.meter(), value, Bound("eq", args, {"other"}, 1)[0]);
}
bool is_unequal(Runtime& rt, const Value& value, const Args& args) { return !is_equal(rt, value, args); }

// Tests of an order: -1, 0, 1, or 2, which is unordered and passes none of them.
template <bool (*holds)(int order)>
bool is_ordered(Runtime& rt, const Value& value, const Args& args) {
  return holds(compare(rt.meter(), value, Bound("comparison", args, {"other"}, 1)[0]));
}
bool less(int order) { return order == -1; }
bool less_or_equal(int order) { return order == -1 || order == 0; }
bool greater(int order) { return order == 1; }
bool greater_or_equal(int order) { return order == 1 || order == 0; }

bool is_same(Runtime& rt, const Value& value, const Args& args) {
  const Bound bound("sameas", args, {"other"}, 1);
  if (value.kind() != bound[0].kind()) return false;
  const bool shared = value.identity() != nullptr && !value.is_string();
  return shared ? value.identity() == bound[0].identity() : equal(rt.meter(), value, bound[0]);
}

bool is_in(Runtime& rt, const Value& value, const Args& args) {
  return contains(rt, Bound("in", args, {"seq"}, 1)[0], value);
}
bool is_filter(Runtime&, const Value& value, const Args&) {
  return value.is_string() && find_filter(value.text()) != nullptr;
}
bool is_test(Runtime&, const Value& value, const Args&) {
  return value.is_string() && find_test(value.text()) != nullptr;
}

}  // namespace

TestFn find_test(std::string_view name) {
  static const std::unordered_map<std::string_view, TestFn> kTests = {
      {"boolean", plain<is_boolean>},
      {"callable", plain<is_callable>},
      {"defined", plain<is_defined>},
      {"divisibleby", is_divisible},
      {"escaped", plain<is_escaped>},
      {"even", plain<is_even>},
      {"false", plain<is_false>},
      {"filter", is_filter},
      {"float", plain<is_float>},
      {"in", is_in},
      {"integer", plain<is_integer>},
      {"iterable", plain<is_iterable>},
      {"lower", plain<is_lower_case>},
      {"mapping", plain<is_mapping>},
      {"none", plain<is_none>},
      {"number", plain<is_number>},
      {"odd", plain<is_odd>},
      {"sameas", is_same},
      {"sequence", plain<is_sequence>},
      {"string", plain<is_string>},
      {"test", is_test},
      {"true", plain<is_true>},
      {"undefined", plain<is_undefined>},
      {"upper", plain<is_upper_case>},
      {"==", is_equal},
      {"eq", is_equal},
      {"equalto", is_equal},
      {"!=", is_unequal},
      {"ne", is_unequal},
      {">", is_ordered<greater>},
      {"gt", is_ordered<greater>},
      {"greaterthan", is_ordered<greater>},
      {">=", is_ordered<greater_or_equal>},
      {"ge", is_ordered<greater_or_equal>},
      {"<", is_ordered<less>},
      {"lt", is_ordered<less>},
      {"lessthan", is_ordered<less>},
      {"<=", is_ordered<less_or_equal>},
      {"le", is_ordered<less_or_equal>},
  };
  const auto at = kTests.find(name);
  return at != kTests.end() ? at->second : nullptr;
}

bool apply_test(Runtime& rt, std::string_view name, const Value& subject, const Args& args) {
  const TestFn test = find_test(name);
  if (test == nullptr) raise("No test named '{}'", name);
  rt.meter().step();
  return test(rt, subject, args);
}

}  // namespace kerf::jinja
