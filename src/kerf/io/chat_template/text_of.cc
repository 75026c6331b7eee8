#include "kerf/io/chat_template/text_of.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

void append_escaped(TextBuilder& out, char32_t c) {
  switch (c) {
    case U'\\': out.append("\\\\"); return;
    case U'\n': out.append("\\n"); return;
    case U'\r': out.append("\\r"); return;
    case U'\t': out.append("\\t"); return;
    default: break;
  }
  const auto code = static_cast<uint32_t>(c);
  out.append(code < 0x100     ? fmt::format("\\x{:02x}", code)
             : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                              : fmt::format("\\U{:08x}", code));
}

void append_quoted(TextBuilder& out, std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  out.append(1, quote);
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = next_char(text, at);
    if (c == static_cast<char32_t>(quote)) {
      out.append(1, '\\');
      out.append(1, quote);
    } else if (c == U'\\' || !is_printable(c)) {
      append_escaped(out, c);
    } else {
      out.append(text.substr(start, at - start));
    }
  }
  out.append(1, quote);
}

void append_items(Runtime& rt, TextBuilder& out, const List& list) {
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out.append(", ");
    append_repr(rt, out, list.items[i]);
  }
}

void append_list(Runtime& rt, TextBuilder& out, const Value& value) {
  const List& list = *value.list();
  if (list.is_tuple()) {
    out.append("(");
    append_items(rt, out, list);
    out.append(list.items.size() == 1 ? ",)" : ")");
    return;
  }
  if (list.is_view()) out.append(fmt::format("{}(", type_name(value)));
  out.append("[");
  append_items(rt, out, list);
  out.append(list.is_view() ? "])" : "]");
}

void append_dict(Runtime& rt, TextBuilder& out, const Dict& dict) {
  out.append("{");
  bool first = true;
  for (const auto& [key, value] : dict.entries()) {
    if (!first) out.append(", ");
    first = false;
    append_repr(rt, out, key);
    out.append(": ");
    append_repr(rt, out, value);
  }
  out.append("}");
}

}  // namespace

std::string float_text(double real) {
  if (std::isnan(real)) return "nan";
  if (std::isinf(real)) return real < 0 ? "-inf" : "inf";
  char buffer[32] = {};
  // The shortest digits that read back as the same number: d.ddde±xx.
  const auto [end, error] = std::to_chars(std::begin(buffer), std::end(buffer), real, std::chars_format::scientific);
  (void)error;  // 32 bytes hold every double
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const size_t mark = text.find('e');
  const int exponent = std::atoi(buffer + mark + 1);
  std::string digits;
  const bool negative = text.front() == '-';
  for (const char c : text.substr(0, mark)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  std::string out = negative ? "-" : "";
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {  // where repr() changes to the exponent form
    out += digits[0];
    if (count > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02d}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1) return out + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return out + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." +
         digits.substr(static_cast<size_t>(exponent) + 1);
}

void append_repr(Runtime& rt, TextBuilder& out, const Value& value) {
  rt.meter().step();
  const DepthGuard guard(rt.meter());
  switch (value.kind()) {
    case Kind::kUndefined: return out.append("Undefined");
    case Kind::kNone: return out.append("None");
    case Kind::kBool: return out.append(value.boolean() ? "True" : "False");
    case Kind::kInt: return out.append(std::to_string(value.integer()));
    case Kind::kFloat: return out.append(float_text(value.real()));
    case Kind::kString:
      if (value.string().markup) out.append("Markup(");
      append_quoted(out, value.text());
      if (value.string().markup) out.append(")");
      return;
    case Kind::kList: return append_list(rt, out, value);
    case Kind::kDict: return append_dict(rt, out, *value.dict());
    case Kind::kRange: {
      const Range& range = value.range();
      out.append(fmt::format("range({}, {}", range.start, range.stop));
      return out.append(range.step == 1 ? ")" : fmt::format(", {})", range.step));
    }
    case Kind::kIterator: return out.append("<generator object>");
    case Kind::kObject: return out.append(value.object()->repr(rt));
  }
}

void append_str(Runtime& rt, TextBuilder& out, const Value& value) {
  if (value.is_string()) return out.append(value.text());
  if (!value.is_undefined()) append_repr(rt, out, value);
}

std::string str(Runtime& rt, const Value& value) {
  TextBuilder out(rt.meter());
  append_str(rt, out, value);
  return out.take();
}

Value str_value(Runtime& rt, const Value& value) { return value.is_string() ? value : rt.text(str(rt, value)); }

std::string repr(Runtime& rt, const Value& value) {
  TextBuilder out(rt.meter());
  append_repr(rt, out, value);
  return out.take();
}

}  // namespace kerf::jinja
