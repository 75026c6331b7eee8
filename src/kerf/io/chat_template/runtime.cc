#include "kerf/io/chat_template/runtime.h"

#include <algorithm>

#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

std::vector<Value> characters(Runtime& rt, const String& string) {
  const Charge transient(rt.meter(), string.chars * sizeof(Value));
  std::vector<Value> items;
  items.reserve(string.chars);
  for (size_t at = 0; at < string.text.size();) {
    const size_t start = at;
    (void)next_char(string.text, at);
    items.push_back(rt.text(string.text.substr(start, at - start)));
  }
  return items;
}

std::vector<Value> numbers(Runtime& rt, const Range& range) {
  const Charge transient(rt.meter(), static_cast<size_t>(range.count) * sizeof(Value));
  std::vector<Value> items;
  items.reserve(static_cast<size_t>(range.count));
  for (int64_t i = 0; i < range.count; ++i) items.emplace_back(range.at(i));
  return items;
}

std::vector<Value> keys(const Dict& dict) {
  std::vector<Value> items;
  items.reserve(dict.entries().size());
  for (const auto& [key, value] : dict.entries()) items.push_back(key);
  return items;
}

}  // namespace

Runtime::~Runtime() {
  for (const Owned& owned : owned_) owned.object->clear();
}

Value Runtime::text(std::string text, bool markup) {
  const size_t chars = count_chars(text);
  return this->text(std::move(text), markup, chars);
}

Value Runtime::text(std::string text, bool markup, size_t chars) {
  const size_t bytes = sizeof(String) + text.size();
  meter_.work(bytes);
  return Ref<String>(new String{std::move(text), chars, markup, Charge(meter_, bytes)});
}

Value Runtime::list(std::vector<Value> items, ListKind kind) {
  int depth = 1;
  for (const Value& item : items) depth = std::max(depth, 1 + item.depth());
  check_depth(depth);
  const size_t bytes = sizeof(List) + items.size() * sizeof(Value);
  meter_.work(bytes);
  return Ref<List>(new List{kind, std::move(items), depth, Charge(meter_, bytes)});
}

Value Runtime::generator(std::vector<Value> items) {
  const Value whole = list(std::move(items));
  check_depth(whole.depth() + 1);
  return std::make_shared<Iterator>(Iterator{whole.list()});
}

bool Runtime::iterable(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kDict:
    case Kind::kRange:
    case Kind::kIterator: return true;
    default: return false;
  }
}

Ref<List> Runtime::items(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return list({}).list();
    case Kind::kString: return list(characters(*this, value.string())).list();
    case Kind::kList: return value.list();
    case Kind::kDict: return list(keys(*value.dict())).list();
    case Kind::kRange: return list(numbers(*this, value.range())).list();
    case Kind::kIterator: {
      Iterator& iterator = value.iterator();
      const auto& all = iterator.items->items;
      std::vector<Value> rest(all.begin() + static_cast<std::ptrdiff_t>(iterator.next), all.end());
      iterator.next = all.size();
      return list(std::move(rest)).list();
    }
    default: raise("'{}' object is not iterable", type_name(value));
  }
}

}  // namespace kerf::jinja
