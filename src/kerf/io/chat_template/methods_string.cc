// str's methods that change, cut and join text; those that ask about it are in methods_string_query.cc.
#include <algorithm>
#include <unordered_map>

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/format.h"
#include "kerf/io/chat_template/markup.h"
#include "kerf/io/chat_template/methods_string_query.h"
#include "kerf/io/chat_template/text_ops.h"
#include "kerf/io/chat_template/text_search.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

Value pieces_list(Runtime& rt, const Pieces& pieces) {
  std::vector<Value> items;
  items.reserve(pieces.views().size());
  for (const std::string_view piece : pieces.views()) items.push_back(rt.text(std::string(piece)));
  return rt.list(std::move(items));
}

Value stripped(Runtime& rt, const Value& self, const Bound& bound, bool left, bool right) {
  const auto set = bound.has_value(0) ? std::optional(bound.text(0)) : std::nullopt;
  if (set) rt.meter().work(self.text().size() / 16 * set->size());  // each character is sought in the set
  return rt.text(std::string(strip_text(self.text(), set, left, right)));
}

Value strip(Runtime& rt, const Value& self, const Args& args) {
  return stripped(rt, self, Bound("strip", args, {"chars"}), true, true);
}

Value lstrip(Runtime& rt, const Value& self, const Args& args) {
  return stripped(rt, self, Bound("lstrip", args, {"chars"}), true, false);
}

Value rstrip(Runtime& rt, const Value& self, const Args& args) {
  return stripped(rt, self, Bound("rstrip", args, {"chars"}), false, true);
}

Value upper(Runtime& rt, const Value& self, const Args& args) {
  expect_no_args("upper", args);
  return rt.text(to_upper(self.text()));
}

Value lower(Runtime& rt, const Value& self, const Args& args) {
  expect_no_args("lower", args);
  return rt.text(to_lower(self.text()));
}

Value capitalize(Runtime& rt, const Value& self, const Args& args) {
  expect_no_args("capitalize", args);
  return rt.text(capitalized(self.text()));
}

Value title(Runtime& rt, const Value& self, const Args& args) {
  expect_no_args("title", args);
  return rt.text(titled(self.text()));
}

Value swapcase(Runtime& rt, const Value& self, const Args& args) {
  expect_no_args("swapcase", args);
  std::string out;
  const std::string_view text = self.text();
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = next_char(text, at);
    if (is_upper(c)) {
      append_lower(out, text, start, at);
    } else {
      out += is_lower(c) ? to_upper(text.substr(start, at - start)) : std::string(text.substr(start, at - start));
    }
  }
  return rt.text(std::move(out));
}

void expect_separator(std::string_view separator) {
  if (separator.empty()) raise("empty separator");
}

Value split(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("split", args, {"sep", "maxsplit"});
  const int64_t most = bound.integer(1, -1);
  if (!bound.has_value(0)) return pieces_list(rt, split_words(rt.meter(), self.text(), most));
  expect_separator(bound.text(0));
  return pieces_list(rt, split_at(rt.meter(), self.text(), bound.text(0), most));
}

Value rsplit(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("rsplit", args, {"sep", "maxsplit"});
  const int64_t most = bound.integer(1, -1);
  if (!bound.has_value(0)) return pieces_list(rt, split_words_from_right(rt.meter(), self.text(), most));
  expect_separator(bound.text(0));
  return pieces_list(rt, split_at_from_right(rt.meter(), self.text(), bound.text(0), most));
}

Value splitlines(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("splitlines", args, {"keepends"});
  return pieces_list(rt, split_lines(rt.meter(), self.text(), bound.flag(0, false)));
}

Value parts(Runtime& rt, std::string_view head, std::string_view separator, std::string_view tail) {
  return rt.tuple({rt.text(std::string(head)), rt.text(std::string(separator)), rt.text(std::string(tail))});
}

Value partition(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("partition", args, {"sep"}, 1);
  expect_separator(bound.text(0));
  const Pieces cut = split_at(rt.meter(), self.text(), bound.text(0), 1);
  const auto& pieces = cut.views();
  if (pieces.size() == 1) return parts(rt, pieces[0], "", "");
  return parts(rt, pieces[0], bound.text(0), pieces[1]);
}

Value rpartition(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("rpartition", args, {"sep"}, 1);
  expect_separator(bound.text(0));
  const Pieces cut = split_at_from_right(rt.meter(), self.text(), bound.text(0), 1);
  const auto& pieces = cut.views();
  if (pieces.size() == 1) return parts(rt, "", "", pieces[0]);
  return parts(rt, pieces[0], bound.text(0), pieces[1]);
}

Value join(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("join", args, {"iterable"}, 1);
  const Ref<List> items = rt.items(bound[0]);
  TextBuilder out(rt.meter());
  for (size_t i = 0; i < items->items.size(); ++i) {
    rt.meter().step();
    const Value& item = items->items[i];
    if (!item.is_string()) raise("sequence item {}: expected str instance, {} found", i, type_name(item));
    if (i > 0) out.append(self.text());
    out.append(item.text());
  }
  return rt.text(out.take());
}

Value replace(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("replace", args, {"old", "new", "count"}, 2);
  TextBuilder out(rt.meter());
  append_replaced(out, self.text(), bound.text(0), bound.text(1), bound.integer(2, -1));
  return rt.text(out.take());
}

Value removeprefix(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("removeprefix", args, {"prefix"}, 1);
  std::string_view text = self.text();
  if (text.starts_with(bound.text(0))) text.remove_prefix(bound.text(0).size());
  return rt.text(std::string(text));
}

Value removesuffix(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("removesuffix", args, {"suffix"}, 1);
  std::string_view text = self.text();
  if (text.ends_with(bound.text(0))) text.remove_suffix(bound.text(0).size());
  return rt.text(std::string(text));
}

// Pads to `width` characters, `left` of the padding before the text.
Value padded(Runtime& rt, const Value& self, const Bound& bound, size_t (*left)(size_t padding, size_t width)) {
  const std::string_view fill = bound.text(1, " ");
  if (count_chars(fill) != 1) raise("The fill character must be exactly one character long");
  const auto width = static_cast<size_t>(std::max<int64_t>(0, bound.integer(0, 0)));
  const size_t chars = self.string().chars;
  const size_t padding = width > chars ? width - chars : 0;
  const size_t before = left(padding, width);
  TextBuilder out(rt.meter());
  out.append(before, fill);
  out.append(self.text());
  out.append(padding - before, fill);
  return rt.text(out.take());
}

Value center(Runtime& rt, const Value& self, const Args& args) {
  // CPython puts the odd blank left when the width is odd.
  return padded(rt, self, Bound("center", args, {"width", "fillchar"}, 1),
                [](size_t padding, size_t width) { return padding / 2 + (padding & width & 1); });
}

Value ljust(Runtime& rt, const Value& self, const Args& args) {
  return padded(rt, self, Bound("ljust", args, {"width", "fillchar"}, 1), [](size_t, size_t) -> size_t { return 0; });
}

Value rjust(Runtime& rt, const Value& self, const Args& args) {
  return padded(rt, self, Bound("rjust", args, {"width", "fillchar"}, 1),
                [](size_t padding, size_t) { return padding; });
}

Value zfill(Runtime& rt, const Value& self, const Args& args) {
  const Bound bound("zfill", args, {"width"}, 1);
  const auto width = static_cast<size_t>(std::max<int64_t>(0, bound.integer(0, 0)));
  std::string_view digits = self.text();
  TextBuilder out(rt.meter());
  if (digits.starts_with('-') || digits.starts_with('+')) {
    out.append(1, digits[0]);
    digits.remove_prefix(1);
  }
  if (width > self.string().chars) out.append(width - self.string().chars, '0');
  out.append(digits);
  return rt.text(out.take());
}

Value format(Runtime& rt, const Value& self, const Args& args) { return rt.text(format_braces(rt, self.text(), args)); }

// What is the same for every method: its cost, and that the methods of markup return markup.
template <MethodFn method>
Value metered(Runtime& rt, const Value& self, const Args& args) {
  rt.meter().work(self.text().size());
  if (!self.string().markup) return method(rt, self, args);
  return as_markup(rt, method(rt, self, escaped(rt, args)));
}

}  // namespace

MethodFn find_string_method(std::string_view name) {
  static const std::unordered_map<std::string_view, MethodFn> kMethods = {
      {"capitalize", metered<capitalize>},
      {"casefold", metered<lower>},
      {"center", metered<center>},
      {"format", metered<format>},
      {"join", metered<join>},
      {"ljust", metered<ljust>},
      {"lower", metered<lower>},
      {"lstrip", metered<lstrip>},
      {"partition", metered<partition>},
      {"removeprefix", metered<removeprefix>},
      {"removesuffix", metered<removesuffix>},
      {"replace", metered<replace>},
      {"rjust", metered<rjust>},
      {"rpartition", metered<rpartition>},
      {"rsplit", metered<rsplit>},
      {"rstrip", metered<rstrip>},
      {"split", metered<split>},
      {"splitlines", metered<splitlines>},
      {"strip", metered<strip>},
      {"swapcase", metered<swapcase>},
      {"title", metered<title>},
      {"upper", metered<upper>},
      {"zfill", metered<zfill>},
  };
  const auto at = kMethods.find(name);
  return at != kMethods.end() ? at->second : find_string_query(name);
}

}  // namespace kerf::jinja
