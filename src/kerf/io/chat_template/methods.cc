#include "kerf/io/chat_template/methods.h"

#include <algorithm>
#include <unordered_map>

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/attributes.h"
#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"

namespace kerf::jinja {

namespace {

using Table = std::unordered_map<std::string_view, MethodFn>;

class BoundMethod : public Object {
 public:
  BoundMethod(Value self, std::string_view name, MethodFn method)
      : self_(std::move(self)), name_(name), method_(method) {
    check_depth(depth());
  }
  [[nodiscard]] std::string_view type_name() const override { return "method"; }
  [[nodiscard]] std::string repr(Runtime&) const override {
    return fmt::format("<method {} of {} object>", name_, jinja::type_name(self_));
  }
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& rt, const Args& args) override { return method_(rt, self_, args); }
  [[nodiscard]] int depth() const override { return self_.depth() + 1; }

 private:
  Value self_;
  std::string name_;
  MethodFn method_;
};

Value dict_get(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("get", args, {"key", "default"}, 1);
  const Value* found = self.dict()->find(rt.meter(), bound[0]);
  return found != nullptr ? *found : bound.has(1) ? bound[1] : Value(None{});
}

Value dict_items(Runtime& rt, const Value& self, const Args& args) {
  expect_no_args("items", args);
  std::vector<Value> items;
  for (const auto& [key, value] : self.dict()->entries()) items.push_back(rt.tuple({key, value}));
  return rt.list(std::move(items), ListKind::kItems);
}

Value dict_keys(Runtime& rt, const Value& self, const Args& args) {
  expect_no_args("keys", args);
  return rt.list(rt.items(self)->items, ListKind::kKeys);
}

Value dict_values(Runtime& rt, const Value& self, const Args& args) {
  expect_no_args("values", args);
  std::vector<Value> items;
  for (const auto& [key, value] : self.dict()->entries()) items.push_back(value);
  return rt.list(std::move(items), ListKind::kValues);
}

// Nothing can change a copy, so it may be the original.
Value copy(Runtime&, const Value& self, const Args& args) {
  expect_no_args("copy", args);
  return self;
}

Value list_index(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("index", args, {"value", "start", "stop"}, 1);
  const Ref<List> all = rt.items(self);
  const auto size = static_cast<int64_t>(all->items.size());
  const auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size); };
  const int64_t stop = clamp(bound.integer(2, size));
  for (int64_t i = clamp(bound.integer(1, 0)); i < stop; ++i) {
    if (equal(rt.meter(), all->items[static_cast<size_t>(i)], bound[0])) return i;
  }
  raise("the value is not in the {}", type_name(self));
}

Value list_count(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("count", args, {"value"}, 1);
  const Ref<List> all = rt.items(self);
  return static_cast<int64_t>(std::count_if(all->items.begin(), all->items.end(),
                                            [&](const Value& item) { return equal(rt.meter(), item, bound[0]); }));
}

MethodFn find_in(const Table& table, std::string_view name) {
  const auto at = table.find(name);
  return at != table.end() ? at->second : nullptr;
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

MethodFn find_method(const Value& object, std::string_view name) {
  static const Table kDictMethods = {
      {"get", dict_get}, {"items", dict_items}, {"keys", dict_keys}, {"values", dict_values}, {"copy", copy}};
  static const Table kListMethods = {{"index", list_index}, {"count", list_count}, {"copy", copy}};
  static const Table kTupleMethods = {{"index", list_index}, {"count", list_count}};
  switch (object.kind()) {
    case Kind::kString: return find_string_method(name);
    case Kind::kDict: return find_in(kDictMethods, name);
    case Kind::kRange: return find_in(kTupleMethods, name);
    case Kind::kList:
      if (object.list()->is_view()) return nullptr;
      return find_in(object.list()->is_tuple() ? kTupleMethods : kListMethods, name);
    default: return nullptr;
  }
}

bool is_mutator(const Value& object, std::string_view name) {
  if (object.is(Kind::kDict)) return one_of(name, {"clear", "pop", "popitem", "setdefault", "update"});
  if (!object.is(Kind::kList) || object.list()->kind != ListKind::kList) return false;
  return one_of(name, {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"});
}

Value bind_method(const Value& object, std::string_view name, MethodFn method) {
  return std::shared_ptr<Object>(std::make_shared<BoundMethod>(object, name, method));
}

}  // namespace kerf::jinja
