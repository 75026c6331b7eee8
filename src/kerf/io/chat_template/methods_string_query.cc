#include "kerf/io/chat_template/methods_string_query.h"

#include <algorithm>
#include <unordered_map>

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/text_search.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

constexpr auto kNone = std::string_view::npos;

// The part of a string that find, count and startswith look at.
struct Span {
  std::string_view text;
  size_t offset;  // in characters
  bool valid;     // false when it starts beyond its end, where not even "" is found
};

// `first`: the index of the argument `start`; `end` follows it.
Span span(const Value& self, const Bound& bound, size_t first) {
  const auto chars = static_cast<int64_t>(self.string().chars);
  const auto at = [&](size_t index, int64_t otherwise) {
    const int64_t given = bound.has_value(index) ? bound.integer(index, 0) : otherwise;
    return given < 0 ? std::max<int64_t>(0, given + chars) : given;
  };
  const int64_t start = at(first, 0);
  const int64_t end = std::min(at(first + 1, chars), chars);
  if (start > end) return {{}, static_cast<size_t>(start), false};
  const std::string_view text = self.text();
  const size_t from = byte_offset(text, static_cast<size_t>(start));
  const size_t bytes = byte_offset(text.substr(from), static_cast<size_t>(end - start));
  return {text.substr(from, bytes), static_cast<size_t>(start), true};
}

int64_t find_in(Runtime& rt, const Value& self, const Bound& bound, bool from_right) {
  const Span where = span(self, bound, 1);
  const std::string_view needle = bound.text(0);
  if (!where.valid) return -1;
  if (from_right) rt.meter().work(where.text.size() * needle.size());
  const size_t at = from_right ? where.text.rfind(needle) : find_text(where.text, needle);
  return at == kNone ? -1 : static_cast<int64_t>(where.offset + count_chars(where.text.substr(0, at)));
}

Value find(Runtime& rt, const Value& self, const Args& args) {
  return find_in(rt, self, Bound("find", args, {"sub", "start", "end"}, 1), false);
}

Value rfind(Runtime& rt, const Value& self, const Args& args) {
  return find_in(rt, self, Bound("rfind", args, {"sub", "start", "end"}, 1), true);
}

int64_t found(int64_t at) {
  if (at < 0) raise("substring not found");
  return at;
}

Value index(Runtime& rt, const Value& self, const Args& args) {
  return found(find_in(rt, self, Bound("index", args, {"sub", "start", "end"}, 1), false));
}

Value rindex(Runtime& rt, const Value& self, const Args& args) {
  return found(find_in(rt, self, Bound("rindex", args, {"sub", "start", "end"}, 1), true));
}

Value count(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("count", args, {"sub", "start", "end"}, 1);
  const Span where = span(self, bound, 1);
  if (!where.valid) return int64_t{0};
  if (bound.text(0).empty()) return static_cast<int64_t>(count_chars(where.text) + 1);
  return static_cast<int64_t>(split_at(rt.meter(), where.text, bound.text(0), -1).views().size()) - 1;
}

// startswith and endswith: one affix, or a tuple of them.
bool has_affix(std::string_view name, const Value& self, const Args& args,
               bool (*has)(std::string_view text, std::string_view affix)) {
  const Bound bound(name, args, {"affix", "start", "end"}, 1);
  const Span where = span(self, bound, 1);
  if (!bound[0].is(Kind::kList) || !bound[0].list()->is_tuple()) return where.valid && has(where.text, bound.text(0));
  return std::any_of(bound[0].list()->items.begin(), bound[0].list()->items.end(), [&](const Value& affix) {
    if (!affix.is_string()) raise("{}() needs strings, not {}", name, type_name(affix));
    return where.valid && has(where.text, affix.text());
  });
}

Value startswith(Runtime&, const Value& self, const Args& args) {
  return has_affix("startswith", self, args,
                   [](std::string_view text, std::string_view affix) { return text.starts_with(affix); });
}

Value endswith(Runtime&, const Value& self, const Args& args) {
  return has_affix("endswith", self, args,
                   [](std::string_view text, std::string_view affix) { return text.ends_with(affix); });
}

// Whether there is a character and all are of a kind.
template <bool (*is_kind)(char32_t)>
Value all_are(Runtime&, const Value& self, const Args& args) {
  expect_no_args("str.is…", args);
  const std::string_view text = self.text();
  for (size_t at = 0; at < text.size();) {
    if (!is_kind(next_char(text, at))) return false;
  }
  return !text.empty();
}

bool is_alnum(char32_t c) { return c != U'_' && is_word(c); }

Value isascii(Runtime&, const Value& self, const Args& args) {
  expect_no_args("isascii", args);
  return self.string().chars == self.text().size();
}

Value isprintable(Runtime& rt, const Value& self, const Args& args) {
  return self.text().empty() ? Value(true) : all_are<is_printable>(rt, self, args);
}

Value islower(Runtime&, const Value& self, const Args& args) {
  expect_no_args("islower", args);
  return is_lower_text(self.text());
}

Value isupper(Runtime&, const Value& self, const Args& args) {
  expect_no_args("isupper", args);
  return is_upper_text(self.text());
}

template <MethodFn method>
Value metered(Runtime& rt, const Value& self, const Args& args) {
  rt.meter().work(self.text().size());
  return method(rt, self, args);
}

}  // namespace

MethodFn find_string_query(std::string_view name) {
  static const std::unordered_map<std::string_view, MethodFn> kMethods = {
      {"count", metered<count>},
      {"endswith", metered<endswith>},
      {"find", metered<find>},
      {"index", metered<index>},
      {"isalnum", metered<all_are<is_alnum>>},
      {"isalpha", metered<all_are<is_alpha>>},
      {"isascii", metered<isascii>},
      {"isdecimal", metered<all_are<is_decimal>>},
      {"isdigit", metered<all_are<is_decimal>>},
      {"islower", metered<islower>},
      {"isnumeric", metered<all_are<is_numeric>>},
      {"isprintable", metered<isprintable>},
      {"isspace", metered<all_are<is_space>>},
      {"isupper", metered<isupper>},
      {"rfind", metered<rfind>},
      {"rindex", metered<rindex>},
      {"startswith", metered<startswith>},
  };
  const auto at = kMethods.find(name);
  return at != kMethods.end() ? at->second : nullptr;
}

}  // namespace kerf::jinja
