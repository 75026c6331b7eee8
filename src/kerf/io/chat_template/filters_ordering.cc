// sort, dictsort, unique, groupby, min, max.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/attribute_path.h"
#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/filters.h"
#include "kerf/io/chat_template/text_search.h"

namespace kerf::jinja {

namespace {

// Python's sorted(): stable, also in reverse, by `<` of the keys alone.
std::vector<Value> sorted(Runtime& rt, const std::vector<Value>& items, const std::vector<Value>& keys, bool reverse) {
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (reverse) std::swap(a, b);
    return compare(rt.meter(), keys[a], keys[b]) == -1;
  });
  std::vector<Value> out;
  out.reserve(items.size());
  for (const size_t i : order) out.push_back(items[i]);
  return out;
}

Value key_of(Runtime& rt, const AttributePath& path, const Value& item, bool case_sensitive,
             const Value& fallback = None{}) {
  Value key = path.of(rt, item, fallback);
  return case_sensitive ? key : ignore_case(rt, key);
}

// `attribute` may name several, with commas between; the key is the list of their values.
std::vector<AttributePath> paths_of(Runtime& rt, const Bound& bound, size_t index) {
  std::vector<AttributePath> paths;
  if (!bound.has_value(index) || !bound[index].is_string()) {
    paths.emplace_back(rt, bound.has(index) ? bound[index] : None{});
    return paths;
  }
  for (const std::string_view part : split_at(rt.meter(), bound[index].text(), ",", -1)) {
    paths.emplace_back(rt, rt.text(std::string(part)));
  }
  return paths;
}

Value sort(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("sort", args, {"reverse", "case_sensitive", "attribute"});
  const std::vector<AttributePath> paths = paths_of(rt, bound, 2);
  const Ref<List> items = rt.items(input);
  std::vector<Value> keys;
  for (const Value& item : items->items) {
    std::vector<Value> key;
    key.reserve(paths.size());
    for (const AttributePath& path : paths) key.push_back(key_of(rt, path, item, bound.flag(1, false)));
    keys.push_back(rt.list(std::move(key)));
  }
  return rt.list(sorted(rt, items->items, keys, bound.flag(0, false)));
}

Value dictsort(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("dictsort", args, {"case_sensitive", "by", "reverse"});
  if (input.is_undefined()) raise_undefined(input);
  if (!input.is(Kind::kDict)) raise("dictsort() needs a dict, not {}", type_name(input));
  const std::string_view by = bound.text(1, "key");
  if (by != "key" && by != "value") raise("You can only sort by either \"key\" or \"value\"");
  std::vector<Value> pairs;
  std::vector<Value> keys;
  for (const auto& [key, value] : input.dict()->entries()) {
    pairs.push_back(rt.tuple({key, value}));
    const Value& sort_key = by == "key" ? key : value;
    keys.push_back(bound.flag(0, false) ? sort_key : ignore_case(rt, sort_key));
  }
  return rt.list(sorted(rt, pairs, keys, bound.flag(2, false)));
}

Value unique(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("unique", args, {"case_sensitive", "attribute"});
  const AttributePath path(rt, bound.has(1) ? bound[1] : None{});
  const auto seen = rt.dict();
  std::vector<Value> out;
  for (const Value& item : rt.each(input)) {
    const Value key = key_of(rt, path, item, bound.flag(0, false));
    if (seen->find(rt.meter(), key) != nullptr) continue;
    seen->set(key, None{});
    out.push_back(item);
  }
  return rt.generator(std::move(out));
}

Value groupby(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("groupby", args, {"attribute", "default", "case_sensitive"}, 1);
  const AttributePath path(rt, bound[0]);
  const Value fallback = bound.has(1) ? bound[1] : None{};
  const bool case_sensitive = bound.flag(2, false);
  const Ref<List> items = rt.items(input);
  std::vector<Value> keys;
  for (const Value& item : items->items) keys.push_back(key_of(rt, path, item, case_sensitive, fallback));
  const std::vector<Value> ordered = sorted(rt, items->items, keys, false);
  std::vector<Value> groups;
  for (size_t at = 0; at < ordered.size();) {
    const Value key = key_of(rt, path, ordered[at], case_sensitive, fallback);
    std::vector<Value> group;
    while (at < ordered.size() && equal(rt.meter(), key, key_of(rt, path, ordered[at], case_sensitive, fallback))) {
      group.push_back(ordered[at++]);
    }
    if (group.empty()) group.push_back(ordered[at++]);         // a NaN equals nothing, not even itself
    const Value shown = path.of(rt, group.front(), fallback);  // in the case of the first item
    groups.push_back(rt.list({shown, rt.list(std::move(group))}, ListKind::kGroup));
  }
  return rt.list(std::move(groups));
}

// The first item that no other is before, in the order `sign`.
Value extreme(Runtime& rt, const Value& input, const Bound& bound, int sign) {
  const AttributePath path(rt, bound.has(1) ? bound[1] : None{});
  const Ref<List> items = rt.items(input);
  if (items->items.empty()) return undefined("No aggregated item, sequence was empty.");
  Value best = items->items.front();
  Value best_key = key_of(rt, path, best, bound.flag(0, false));
  for (size_t i = 1; i < items->items.size(); ++i) {
    Value key = key_of(rt, path, items->items[i], bound.flag(0, false));
    if (compare(rt.meter(), key, best_key, sign < 0 ? "<" : ">") != sign) continue;
    best = items->items[i];
    best_key = std::move(key);
  }
  return best;
}

Value min(Runtime& rt, const Value& input, const Args& args) {
  return extreme(rt, input, Bound("min", args, {"case_sensitive", "attribute"}), -1);
}

Value max(Runtime& rt, const Value& input, const Args& args) {
  return extreme(rt, input, Bound("max", args, {"case_sensitive", "attribute"}), 1);
}

}  // namespace

FilterFn find_ordering_filter(std::string_view name) {
  static const std::unordered_map<std::string_view, FilterFn> kFilters = {
      {"dictsort", dictsort}, {"groupby", groupby}, {"max", max}, {"min", min}, {"sort", sort}, {"unique", unique}};
  const auto at = kFilters.find(name);
  return at != kFilters.end() ? at->second : nullptr;
}

}  // namespace kerf::jinja
