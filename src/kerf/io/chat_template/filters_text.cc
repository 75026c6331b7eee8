#include <algorithm>
#include <unordered_map>

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/attributes.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/filters.h"
#include "kerf/io/chat_template/format.h"
#include "kerf/io/chat_template/markup.h"
#include "kerf/io/chat_template/methods.h"
#include "kerf/io/chat_template/text_of.h"
#include "kerf/io/chat_template/text_search.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

Value call_method(Runtime& rt, std::string_view method, const Value& input, const Args& args) {
  return find_string_method(method)(rt, str_value(rt, input), args);
}

Value upper(Runtime& rt, const Value& input, const Args& args) { return call_method(rt, "upper", input, args); }
Value lower(Runtime& rt, const Value& input, const Args& args) { return call_method(rt, "lower", input, args); }
Value trim(Runtime& rt, const Value& input, const Args& args) { return call_method(rt, "strip", input, args); }
Value capitalize(Runtime& rt, const Value& input, const Args& args) {
  return call_method(rt, "capitalize", input, args);
}

Value center(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("center", args, {"width"});
  return call_method(rt, "center", input, Args{{bound.integer(0, 80)}, {}});
}

// Words begin after blanks, hyphens and opening brackets, which differs from str.title().
Value title(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("title", args);
  const Value text = str_value(rt, input);
  std::string out;
  bool in_word = false;
  size_t word = 0;
  const std::string_view all = text.text();
  const auto flush = [&](size_t end) {
    if (in_word) out += to_lower(all.substr(word, end - word));
    in_word = false;
  };
  for (size_t at = 0; at < all.size();) {
    const size_t start = at;
    const char32_t c = next_char(all, at);
    if (is_space(c) || std::u32string_view(U"-({[<").find(c) != std::u32string_view::npos) {
      flush(start);
      out += all.substr(start, at - start);
    } else if (!in_word) {
      out += to_upper(all.substr(start, at - start));
      in_word = true;
      word = at;
    }
  }
  flush(all.size());
  return rt.text(std::move(out), text.string().markup);
}

Value replace(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("replace", args, {"old", "new", "count"}, 2);
  const int64_t count = bound.has_value(2) ? bound.integer(2, -1) : -1;
  TextBuilder out(rt.meter());
  append_replaced(out, str(rt, input), str(rt, bound[0]), str(rt, bound[1]), count);
  return rt.text(out.take());
}

Value indent(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("indent", args, {"width", "first", "blank"});
  if (input.is_undefined()) raise_undefined(input);
  if (!input.is_string()) raise("indent() needs a string, not {}", type_name(input));
  TextBuilder margin(rt.meter());
  if (bound.has(0) && bound[0].is_string()) {
    margin.append(bound[0].text());
  } else {
    margin.append(static_cast<size_t>(std::max<int64_t>(0, bound.integer(0, 4))), ' ');
  }
  const bool blank = bound.flag(2, false);
  const std::string text = input.text() + "\n";
  const Pieces lines = split_lines(rt.meter(), text, false);
  TextBuilder out(rt.meter());
  for (size_t i = 0; i < lines.views().size(); ++i) {
    const std::string_view line = lines.views()[i];
    if (i > 0) out.append("\n");
    if (i == 0 ? bound.flag(1, false) : blank || !line.empty()) out.append(margin.text());
    out.append(line);
  }
  return rt.text(out.take(), input.string().markup);
}

Value truncate(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("truncate", args, {"length", "killwords", "end", "leeway"});
  const int64_t most = bound.integer(0, 255);
  const std::string_view end = bound.text(2, "...");
  const int64_t leeway = bound.has_value(3) ? bound.integer(3, 5) : 5;
  const auto end_chars = static_cast<int64_t>(count_chars(end));
  if (most < end_chars || leeway < 0) raise("truncate() needs length >= {} and leeway >= 0", end_chars);
  if (static_cast<int64_t>(length(input)) - leeway <= most) return input;
  if (!input.is_string()) raise("truncate() needs a string, not {}", type_name(input));
  std::string_view text = input.text();
  text = text.substr(0, byte_offset(text, static_cast<size_t>(most - end_chars)));
  if (!bound.flag(1, false)) text = text.substr(0, text.rfind(' '));
  return rt.text(std::string(text) + std::string(end));
}

Value to_string(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("string", args);
  return str_value(rt, input);
}

Value safe(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("safe", args);
  return as_markup(rt, str_value(rt, input));
}

Value escape(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("escape", args);
  return escaped(rt, input);
}

Value force_escape(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("forceescape", args);
  return escaped(rt, rt.text(str(rt, input)));
}

Value format(Runtime& rt, const Value& input, const Args& args) {
  if (!args.positional.empty() && !args.named.empty()) {
    raise("format can't handle positional and keyword arguments at the same time");
  }
  if (args.named.empty()) return rt.text(format_percent(rt, str(rt, input), rt.tuple(args.positional)));
  const auto operand = rt.dict();
  for (const auto& [name, value] : args.named) operand->set(rt.text(name), value);
  return rt.text(format_percent(rt, str(rt, input), Ref<Dict>(operand)));
}

Value wordcount(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("wordcount", args);
  const Value text = str_value(rt, input);
  int64_t words = 0;
  bool in_word = false;
  for (size_t at = 0; at < text.text().size();) {
    const bool word = is_word(next_char(text.text(), at));
    if (word && !in_word) ++words;
    in_word = word;
  }
  return words;
}

void append_quoted(TextBuilder& out, std::string_view text, bool query) {
  for (const char c : text) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool plain = alphanumeric || c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !query);
    if (plain) {
      out.append(1, c);
    } else if (query && c == ' ') {
      out.append("+");
    } else {
      out.append(fmt::format("%{:02X}", static_cast<unsigned char>(c)));
    }
  }
}

Value urlencode(Runtime& rt, const Value& input, const Args& args) {
  expect_no_args("urlencode", args);
  TextBuilder out(rt.meter());
  if (input.is_string() || !Runtime::iterable(input)) {
    append_quoted(out, str(rt, input), false);
    return rt.text(out.take());
  }
  const Value pairs = input.is(Kind::kDict) ? find_method(input, "items")(rt, input, {}) : input;
  for (const Value& pair : rt.each(pairs)) {
    const Ref<List> entry = rt.items(pair);
    if (entry->items.size() != 2) raise("urlencode needs pairs");
    if (out.size() > 0) out.append("&");
    append_quoted(out, str(rt, entry->items[0]), true);
    out.append("=");
    append_quoted(out, str(rt, entry->items[1]), true);
  }
  return rt.text(out.take());
}

std::optional<std::string> json_indent(Runtime& rt, const Value& indent) {
  if (indent.is_none()) return std::nullopt;
  if (indent.is_string()) return indent.text();
  if (!indent.is_integral()) raise("tojson() needs an integer or a string as indent, not {}", type_name(indent));
  TextBuilder blanks(rt.meter());
  blanks.append(static_cast<size_t>(std::max<int64_t>(0, indent.integer())), ' ');
  return blanks.take();
}

Value tojson(Runtime& rt, const Value& input, const Args& args) {
  const Bound bound("tojson", args, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = bound.flag(0, false);
  style.sort_keys = bound.flag(3, false);
  if (bound.has(1)) style.indent = json_indent(rt, bound[1]);
  if (style.indent) style.item_separator = ",";
  if (bound.has_value(2)) {
    const Ref<List> separators = rt.items(bound[2]);
    const bool valid =
        separators->items.size() == 2 && separators->items[0].is_string() && separators->items[1].is_string();
    if (!valid) raise("tojson() needs two strings as separators");
    style.item_separator = separators->items[0].text();
    style.key_separator = separators->items[1].text();
  }
  TextBuilder out(rt.meter());
  append_json(rt, out, input, style);
  return rt.text(out.take());
}

}  // namespace

FilterFn find_text_filter(std::string_view name) {
  static const std::unordered_map<std::string_view, FilterFn> kFilters = {
      {"capitalize", capitalize},
      {"center", center},
      {"e", escape},
      {"escape", escape},
      {"forceescape", force_escape},
      {"format", format},
      {"indent", indent},
      {"lower", lower},
      {"replace", replace},
      {"safe", safe},
      {"string", to_string},
      {"title", title},
      {"tojson", tojson},
      {"trim", trim},
      {"truncate", truncate},
      {"upper", upper},
      {"urlencode", urlencode},
      {"wordcount", wordcount},
  };
  const auto at = kFilters.find(name);
  return at != kFilters.end() ? at->second : nullptr;
}

}  // namespace kerf::jinja
