// map, select, reject, selectattr, rejectattr: filters that apply filters and tests.
#include <unordered_map>

#include "kerf/io/chat_template/attribute_path.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/filters.h"
#include "kerf/io/chat_template/predicates.h"

namespace kerf::jinja {

namespace {

// The arguments after the first `count`, which are for the filter or test that is applied.
Args without_first(const Args& args, size_t count) {
  return {{args.positional.begin() + static_cast<std::ptrdiff_t>(count), args.positional.end()}, args.named};
}

std::string_view name_at(const Args& args, size_t index) {
  if (!args.positional[index].is_string()) raise("the name of a filter or test must be a string");
  return args.positional[index].text();
}

Value map_attribute(Runtime& rt, const Value& input, const Args& args) {
  Value attribute;
  Value fallback = None{};
  for (const auto& [name, value] : args.named) {
    if (name != "attribute" && name != "default") raise("map(): unexpected keyword argument '{}'", name);
    (name == "attribute" ? attribute : fallback) = value;
  }
  const AttributePath path(rt, attribute);
  std::vector<Value> out;
  for (const Value& item : rt.each(input)) out.push_back(path.of(rt, item, fallback));
  return rt.generator(std::move(out));
}

bool has_attribute_argument(const Args& args) {
  for (const auto& [name, value] : args.named) {
    if (name == "attribute") return true;
  }
  return false;
}

Value map(Runtime& rt, const Value& input, const Args& args) {
  if (!truthy(input)) return rt.generator({});
  if (args.positional.empty() && has_attribute_argument(args)) return map_attribute(rt, input, args);
  if (args.positional.empty()) raise("map requires a filter argument");
  const std::string_view filter = name_at(args, 0);
  const Args rest = without_first(args, 1);
  std::vector<Value> out;
  for (const Value& item : rt.each(input)) out.push_back(apply_filter(rt, filter, item, rest));
  return rt.generator(std::move(out));
}

Value choose(Runtime& rt, const Value& input, const Args& args, bool by_attribute, bool wanted) {
  if (!truthy(input)) return rt.generator({});
  const size_t name_index = by_attribute ? 1 : 0;
  if (args.positional.size() < name_index) raise("Missing parameter for attribute name");
  const AttributePath path = by_attribute ? AttributePath(rt, args.positional[0]) : AttributePath();
  const bool has_test = args.positional.size() > name_index;
  const Args rest = has_test ? without_first(args, name_index + 1) : Args{};
  std::vector<Value> out;
  for (const Value& item : rt.each(input)) {
    const Value subject = path.of(rt, item);
    const bool passes = has_test ? apply_test(rt, name_at(args, name_index), subject, rest) : truthy(subject);
    if (passes == wanted) out.push_back(item);
  }
  return rt.generator(std::move(out));
}

Value select(Runtime& rt, const Value& input, const Args& args) { return choose(rt, input, args, false, true); }
Value reject(Runtime& rt, const Value& input, const Args& args) { return choose(rt, input, args, false, false); }
Value selectattr(Runtime& rt, const Value& input, const Args& args) { return choose(rt, input, args, true, true); }
Value rejectattr(Runtime& rt, const Value& input, const Args& args) { return choose(rt, input, args, true, false); }

}  // namespace

FilterFn find_selecting_filter(std::string_view name) {
  static const std::unordered_map<std::string_view, FilterFn> kFilters = {
      {"map", map}, {"reject", reject}, {"rejectattr", rejectattr}, {"select", select}, {"selectattr", selectattr}};
  const auto at = kFilters.find(name);
  return at != kFilters.end() ? at->second : nullptr;
}

}  // namespace kerf::jinja
