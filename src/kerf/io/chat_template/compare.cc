#include "kerf/io/chat_template/compare.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/runtime.h"
#include "kerf/io/chat_template/text_search.h"

namespace kerf::jinja {

namespace {

size_t mix(size_t seed, size_t next) { return seed ^ (next + 0x9E3779B97F4A7C15U + (seed << 6) + (seed >> 2)); }

bool fits_int64(double real) { return real >= -0x1p63 && real < 0x1p63; }

// Exact: a double beyond 2^53 compares by its integer value, not by rounding the integer.
int compare_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return a.integer() < b.integer() ? -1 : a.integer() > b.integer() ? 1 : 0;
  const double x = a.real();
  const double y = b.real();
  if (std::isnan(x) || std::isnan(y)) return 2;
  if (a.is_integral() && fits_int64(y) && y == std::floor(y)) return compare_numbers(a, static_cast<int64_t>(y));
  if (b.is_integral() && fits_int64(x) && x == std::floor(x)) return compare_numbers(static_cast<int64_t>(x), b);
  return x < y ? -1 : x > y ? 1 : 0;
}

bool equal_lists(Meter& meter, const List& a, const List& b) {
  return a.items.size() == b.items.size() &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(),
                    [&](const Value& x, const Value& y) { return equal(meter, x, y); });
}

bool equal_dicts(Meter& meter, const Dict& a, const Dict& b) {
  if (a.entries().size() != b.entries().size()) return false;
  return std::all_of(a.entries().begin(), a.entries().end(), [&](const Dict::Entry& entry) {
    const Value* other = b.find(meter, entry.first);
    return other != nullptr && equal(meter, entry.second, *other);
  });
}

bool equal_ranges(const Range& a, const Range& b) {
  if (a.count != b.count) return false;
  return a.count == 0 || (a.start == b.start && (a.count == 1 || a.step == b.step));
}

// UTF-8 sorts by bytes as its code points do.
int sign(int order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

}  // namespace

void check_depth(int depth) {
  if (depth > kMaxValueDepth) raise("a value nests deeper than {} levels", kMaxValueDepth);
}

size_t hash_text(std::string_view text) { return std::hash<std::string_view>{}(text); }

size_t hash(Meter& meter, const Value& value) {
  meter.step();
  switch (value.kind()) {
    case Kind::kUndefined: return 1;
    case Kind::kNone: return 2;
    case Kind::kBool:
    case Kind::kInt: return std::hash<int64_t>{}(value.integer());
    case Kind::kFloat: {
      const double real = value.real();
      const bool whole = fits_int64(real) && real == std::floor(real);
      return whole ? std::hash<int64_t>{}(static_cast<int64_t>(real)) : std::hash<double>{}(real);
    }
    case Kind::kString: meter.work(value.text().size()); return hash_text(value.text());
    case Kind::kRange: return std::hash<int64_t>{}(value.range().count);
    case Kind::kIterator:
    case Kind::kObject: return std::hash<const void*>{}(value.identity());
    case Kind::kList:
      if (!value.list()->is_tuple()) break;
      {
        size_t seed = 3;
        for (const Value& item : value.list()->items) seed = mix(seed, hash(meter, item));
        return seed;
      }
    case Kind::kDict: break;
  }
  raise("unhashable type: '{}'", type_name(value));
}

bool equal(Meter& meter, const Value& a, const Value& b) {
  meter.step();
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone: return true;
    case Kind::kString: meter.work(a.text().size()); return a.text() == b.text();
    case Kind::kList:
      if (a.list()->is_view() || b.list()->is_view()) return a.identity() == b.identity();
      return a.list()->is_tuple() == b.list()->is_tuple() && equal_lists(meter, *a.list(), *b.list());
    case Kind::kDict: return equal_dicts(meter, *a.dict(), *b.dict());
    case Kind::kRange: return equal_ranges(a.range(), b.range());
    default: return a.identity() == b.identity();
  }
}

int compare(Meter& meter, const Value& a, const Value& b, std::string_view op) {
  meter.step();
  if (a.is_undefined()) raise_undefined(a);
  if (b.is_undefined()) raise_undefined(b);
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (a.is_string() && b.is_string()) {
    meter.work(std::min(a.text().size(), b.text().size()));
    return sign(a.text().compare(b.text()));
  }
  const bool lists = a.is(Kind::kList) && b.is(Kind::kList) && !a.list()->is_view() && !b.list()->is_view();
  if (!lists || a.list()->is_tuple() != b.list()->is_tuple()) {
    raise("'{}' not supported between instances of '{}' and '{}'", op, type_name(a), type_name(b));
  }
  const auto& left = a.list()->items;
  const auto& right = b.list()->items;
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (!equal(meter, left[i], right[i])) return compare(meter, left[i], right[i], op);
  }
  return left.size() < right.size() ? -1 : left.size() > right.size() ? 1 : 0;
}

bool contains(Runtime& rt, const Value& container, const Value& item) {
  if (container.is_string()) {
    if (!item.is_string()) raise("'in <string>' requires string as left operand, not {}", type_name(item));
    rt.meter().work(container.text().size());
    return find_text(container.text(), item.text()) != std::string::npos;
  }
  if (container.is(Kind::kDict)) return container.dict()->find(rt.meter(), item) != nullptr;
  const Ref<List> items = rt.items(container);
  return std::any_of(items->items.begin(), items->items.end(),
                     [&](const Value& other) { return equal(rt.meter(), other, item); });
}

}  // namespace kerf::jinja
