#include <algorithm>
#include <unordered_map>

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/attribute_path.h"
#include "kerf/io/chat_template/attributes.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/filters.h"
#include "kerf/io/chat_template/methods.h"
#include "kerf/io/chat_template/operators.h"
#include "kerf/io/chat_template/text_of.h"

namespace kerf::jinja {

namespace {

Value fallback(Runtime&, const Value& input, const Args& args) {
  const Bound bound("default", args, {"default_value", "boolean"});
  if (!input.is_undefined() && !(bound.flag(1, false) && !truthy(input))) return input;
  return bound.has(0) ? bound[0] : constant_text("");
}

Value count(Runtime&, const Value& input, const Args& args) {
  expect_no_args("length", args);
  return static_cast<int64_t>(length(input));
}

Value to_list(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("list", args);
  return rt.list(rt.items(input)->items);
}

Value first(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("first", args);
  if (input.is(Kind::kIterator)) {
    Iterator& iterator = input.iterator();
    if (iterator.next < iterator.items->items.size()) return iterator.items->items[iterator.next++];
  } else if (const Ref<List> items = rt.items(input); !items->items.empty()) {
    return items->items.front();
  }
  return undefined("No first item, sequence was empty.");
}

Value last(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("last", args);
  if (input.is(Kind::kIterator)) raise("'generator' object is not reversible");
  const Ref<List> items = rt.items(input);
  return items->items.empty() ? undefined("No last item, sequence was empty.") : items->items.back();
}

Value reverse(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("reverse", args);
  std::vector<Value> items = rt.items(input)->items;
  std::reverse(items.begin(), items.end());
  if (input.is(Kind::kIterator)) return rt.list(std::move(items));
  if (!input.is_string()) return rt.generator(std::move(items));
  TextBuilder out(rt.meter());
  for (const Value& item : items) out.append(item.text());
  return rt.text(out.take());
}

Value join(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("join", args, {"d", "attribute"});
  const AttributePath path(rt, bound.has(1) ? bound[1] : None{});
  const std::string separator = bound.has(0) ? str(rt, bound[0]) : std::string();
  TextBuilder out(rt.meter());
  bool after_first = false;
  for (const Value& item : rt.each(input)) {
    if (after_first) out.append(separator);
    after_first = true;
    append_str(rt, out, path.of(rt, item));
  }
  return rt.text(out.take());
}

Value items(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("items", args);
  if (input.is_undefined()) return rt.generator({});
  if (!input.is(Kind::kDict)) raise("Can only get item pairs from a mapping.");
  return rt.generator(find_method(input, "items")(rt, input, {}).list()->items);
}

Value sum(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("sum", args, {"attribute", "start"});
  const AttributePath path(rt, bound.has(0) ? bound[0] : None{});
  Value total = bound.has(1) ? bound[1] : Value(int64_t{0});
  if (total.is_string()) raise("sum() can't sum strings");
  for (const Value& item : rt.each(input)) total = apply(rt, BinaryOp::kAdd, total, path.of(rt, item));
  return total;
}

Value batch(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("batch", args, {"linecount", "fill_with"}, 1);
  const int64_t size = bound.integer(0, 0);
  std::vector<Value> lines;
  std::vector<Value> line;
  for (const Value& item : rt.each(input)) {
    rt.meter().step();
    if (static_cast<int64_t>(line.size()) == size) lines.push_back(rt.list(std::exchange(line, {})));
    line.push_back(item);
  }
  if (line.empty()) return rt.generator(std::move(lines));
  const int64_t missing = size - static_cast<int64_t>(line.size());
  if (bound.has_value(1) && missing > 0) {
    const Value fill = apply(rt, BinaryOp::kMul, rt.list({bound[1]}), missing);
    line.insert(line.end(), fill.list()->items.begin(), fill.list()->items.end());
  }
  lines.push_back(rt.list(std::move(line)));
  return rt.generator(std::move(lines));
}

Value slice(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("slice", args, {"slices", "fill_with"}, 1);
  const int64_t slices = bound.integer(0, 0);
  if (slices == 0) raise("division by zero");
  const Ref<List> all = rt.items(input);
  const auto size = static_cast<int64_t>(all->items.size());
  std::vector<Value> out;
  auto at = all->items.begin();
  for (int64_t i = 0; i < slices; ++i) {
    rt.meter().step();
    const bool longer = i < size % slices;
    const auto end = at + static_cast<std::ptrdiff_t>(size / slices + (longer ? 1 : 0));
    std::vector<Value> part(at, end);
    if (bound.has_value(1) && !longer) part.push_back(bound[1]);
    out.push_back(rt.list(std::move(part)));
    at = end;
  }
  return rt.generator(std::move(out));
}

Value attr(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("attr", args, {"name"}, 1);
  auto found = own_attr(rt, input, bound.text(0));
  if (found) return *std::move(found);
  return undefined(fmt::format("'{} object' has no attribute '{}'", type_name(input), bound.text(0)));
}

}  // namespace

FilterFn find_sequence_filter(std::string_view name) {
  static const std::unordered_map<std::string_view, FilterFn> kFilters = {
      {"attr", attr},    {"batch", batch},     {"count", count}, {"d", fallback}, {"default", fallback},
      {"first", first},  {"items", items},     {"join", join},   {"last", last},  {"length", count},
      {"list", to_list}, {"reverse", reverse}, {"slice", slice}, {"sum", sum}};
  const auto at = kFilters.find(name);
  return at != kFilters.end() ? at->second : nullptr;
}

}  // namespace kerf::jinja
