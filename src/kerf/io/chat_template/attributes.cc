#include "kerf/io/chat_template/attributes.h"

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/methods.h"
#include "kerf/io/chat_template/text_of.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

std::string described(const Value& object) {
  return object.is_none() ? "None" : fmt::format("{} object", type_name(object));
}

Value missing_attr(const Value& object, std::string_view name) {
  return undefined(fmt::format("'{}' has no attribute '{}'", described(object), name));
}

// A position as Python counts it: negative from the end.
std::optional<size_t> position(const Value& key, size_t size) {
  if (!key.is_integral()) return std::nullopt;
  const int64_t index = key.integer() < 0 ? key.integer() + static_cast<int64_t>(size) : key.integer();
  if (index < 0 || index >= static_cast<int64_t>(size)) return std::nullopt;
  return static_cast<size_t>(index);
}

std::optional<Value> list_item(const List& list, const Value& key) {
  if (list.is_view()) return std::nullopt;
  const auto at = position(key, list.items.size());
  return at ? std::optional(list.items[*at]) : std::nullopt;
}

std::optional<Value> char_at(Runtime& rt, const String& string, const Value& key) {
  const auto at = position(key, string.chars);
  if (!at) return std::nullopt;
  size_t start = *at;
  if (string.chars != string.text.size()) {
    rt.meter().work(string.text.size());
    start = byte_offset(string.text, *at);
  }
  size_t end = start;
  (void)next_char(string.text, end);
  return rt.text(string.text.substr(start, end - start), string.markup);
}

std::optional<Value> item(Runtime& rt, const Value& object, const Value& key) {
  switch (object.kind()) {
    case Kind::kDict: {
      const bool unhashable = key.is(Kind::kDict) || (key.is(Kind::kList) && !key.list()->is_tuple());
      const Value* found = unhashable ? nullptr : object.dict()->find(rt.meter(), key);
      return found != nullptr ? std::optional(*found) : std::nullopt;
    }
    case Kind::kList: return list_item(*object.list(), key);
    case Kind::kString: return char_at(rt, object.string(), key);
    case Kind::kRange: {
      const auto at = position(key, static_cast<size_t>(object.range().count));
      if (!at) return std::nullopt;
      return Value(object.range().at(static_cast<int64_t>(*at)));
    }
    default: return std::nullopt;
  }
}

struct SliceBounds {
  int64_t start, step, count, stop;
};

int64_t bound(const Value& value, int64_t size, int64_t lowest, int64_t highest, int64_t otherwise) {
  if (value.is_none()) return otherwise;
  if (value.is_undefined()) raise_undefined(value);
  if (!value.is_integral()) raise("slice indices must be integers or None, not {}", type_name(value));
  int64_t index = value.integer();
  if (index < 0) index = index < -size ? lowest : index + size;
  return index < lowest ? lowest : index > highest ? highest : index;
}

// As Python's slice.indices().
SliceBounds slice_bounds(size_t length_, const Value& start, const Value& stop, const Value& step) {
  const auto size = static_cast<int64_t>(length_);
  int64_t stride = bound(step, 0, INT64_MIN, INT64_MAX, 1);
  if (!step.is_none()) stride = step.integer();
  if (stride == 0) raise("slice step cannot be zero");
  const bool back = stride < 0;
  const int64_t lowest = back ? -1 : 0;
  const int64_t highest = back ? size - 1 : size;
  const int64_t first = bound(start, size, lowest, highest, back ? highest : lowest);
  const int64_t last = bound(stop, size, lowest, highest, back ? lowest : highest);
  // A stride beyond the sequence is a stride over all of it; so nothing below overflows.
  if (stride > size) stride = size + 1;
  if (stride < -size) stride = -size - 1;
  const int64_t span = back ? first - last : last - first;
  const int64_t width = back ? -stride : stride;
  return {first, stride, span <= 0 ? 0 : (span + width - 1) / width, last};
}

// Again a range. What lies beyond its ends may wrap, which no item shows.
Value slice_range(const Range& range, const SliceBounds& bounds) {
  const auto step = static_cast<int64_t>(static_cast<uint64_t>(range.step) * static_cast<uint64_t>(bounds.step));
  return Ref<Range>(new Range{range.at(bounds.start), range.at(bounds.stop), step, bounds.count});
}

Value slice_text(Runtime& rt, const Value& object, const SliceBounds& bounds) {
  const String& string = object.string();
  rt.meter().work(string.text.size());
  std::string out;
  if (bounds.step == 1) {
    const std::string_view all = string.text;
    const bool ascii = string.chars == all.size();
    const auto offset = [&](std::string_view from, int64_t chars) {
      return ascii ? static_cast<size_t>(chars) : byte_offset(from, static_cast<size_t>(chars));
    };
    const std::string_view tail = all.substr(offset(all, bounds.start));
    return rt.text(std::string(tail.substr(0, offset(tail, bounds.count))), string.markup);
  }
  const Ref<List> chars = rt.items(object);
  for (int64_t i = 0; i < bounds.count; ++i) {
    out += chars->items[static_cast<size_t>(bounds.start + i * bounds.step)].text();
  }
  return rt.text(std::move(out), string.markup);
}

}  // namespace

std::optional<Value> own_attr(Runtime& rt, const Value& object, std::string_view name) {
  if (object.is_undefined()) raise_undefined(object);
  if (object.is(Kind::kObject)) return object.object()->attr(rt, name);
  if (object.is(Kind::kList) && object.list()->kind == ListKind::kGroup) {
    if (name == "grouper") return object.list()->items[0];
    if (name == "list") return object.list()->items[1];
  }
  if (is_mutator(object, name)) {
    return undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe", name, type_name(object)));
  }
  if (const MethodFn method = find_method(object, name)) return bind_method(object, name, method);
  return std::nullopt;
}

Value get_attr(Runtime& rt, const Value& object, std::string_view name) {
  if (auto found = own_attr(rt, object, name)) return *std::move(found);
  if (object.is(Kind::kDict)) {
    if (const Value* found = object.dict()->find(name)) return *found;
  }
  return missing_attr(object, name);
}

Value get_item(Runtime& rt, const Value& object, const Value& key) {
  if (object.is_undefined()) raise_undefined(object);
  if (auto found = item(rt, object, key)) return *std::move(found);
  if (!key.is_string()) return undefined(fmt::format("{} has no element {}", described(object), repr(rt, key)));
  if (auto found = own_attr(rt, object, key.text())) return *std::move(found);
  return missing_attr(object, key.text());
}

Value get_slice(Runtime& rt, const Value& object, const Value& start, const Value& stop, const Value& step) {
  if (object.is_undefined()) raise_undefined(object);
  if (object.is_string()) {
    return slice_text(rt, object, slice_bounds(object.string().chars, start, stop, step));
  }
  if (object.is(Kind::kRange)) {
    const auto size = static_cast<size_t>(object.range().count);
    return slice_range(object.range(), slice_bounds(size, start, stop, step));
  }
  const bool list = object.is(Kind::kList) && !object.list()->is_view();
  if (!list) raise("'{}' object cannot be sliced", type_name(object));
  const Ref<List> all = rt.items(object);
  const SliceBounds bounds = slice_bounds(all->items.size(), start, stop, step);
  std::vector<Value> items;
  for (int64_t i = 0; i < bounds.count; ++i) {
    items.push_back(all->items[static_cast<size_t>(bounds.start + i * bounds.step)]);
  }
  return rt.list(std::move(items), all->is_tuple() ? ListKind::kTuple : ListKind::kList);
}

size_t length(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return 0;
    case Kind::kString: return value.string().chars;
    case Kind::kList: return value.list()->items.size();
    case Kind::kDict: return value.dict()->entries().size();
    case Kind::kRange: return static_cast<size_t>(value.range().count);
    default: raise("object of type '{}' has no len()", type_name(value));
  }
}

}  // namespace kerf::jinja
