#include <charconv>

#include "kerf/io/chat_template/attributes.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/format.h"
#include "kerf/io/chat_template/text_of.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

constexpr auto kNone = std::string_view::npos;

bool is_align(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }

FormatSpec parse_spec(std::string_view text) {
  FormatSpec spec;
  size_t at = 0;
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  if (!text.empty()) {
    size_t after_fill = 0;
    (void)next_char(text, after_fill);
    if (after_fill < text.size() && is_align(text[after_fill])) {
      spec.fill = text.substr(0, after_fill);
      spec.align = text[after_fill];
      at = after_fill + 1;
    } else if (is_align(text[0])) {
      spec.align = text[0];
      at = 1;
    }
  }
  if (peek() == '+' || peek() == '-' || peek() == ' ') spec.sign = text[at++];
  if (peek() == '#') {
    spec.alternate = true;
    ++at;
  }
  if (peek() == '0') {
    ++at;
    if (spec.align == '\0') {
      spec.align = '=';
      spec.fill = "0";
    }
  }
  spec.width = read_digits(text, at);
  if (peek() == ',' || peek() == '_') spec.grouping = text[at++];
  if (peek() == '.') {
    ++at;
    const size_t digits = at;
    spec.precision = read_digits(text, at);
    if (at == digits) raise("Format specifier missing precision");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) raise("Invalid format specifier '{}'", text);
  return spec;
}

class BraceFormatter {
 public:
  BraceFormatter(Runtime& rt, const Args& args) : rt_(rt), args_(args) {}

  // `level`: how deep a format is inside a format's specification.
  std::string run(std::string_view format, int level = 0) {
    if (level > 1) raise("Max string recursion exceeded");
    TextBuilder out(rt_.meter());
    for (size_t at = 0; at < format.size();) {
      const size_t brace = std::min(format.find_first_of("{}", at), format.size());
      out.append(format.substr(at, brace - at));
      if (brace == format.size()) break;
      if (brace + 1 < format.size() && format[brace + 1] == format[brace]) {
        out.append(1, format[brace]);
        at = brace + 2;
        continue;
      }
      if (format[brace] == '}') raise("Single '}}' encountered in format string");
      const size_t end = field_end(format, brace + 1);
      write_field(out, format.substr(brace + 1, end - brace - 1), level);
      at = end + 1;
    }
    return out.take();
  }

 private:
  static size_t field_end(std::string_view format, size_t at) {
    for (int open = 1; at < format.size(); ++at) {
      if (format[at] == '{') ++open;
      if (format[at] == '}' && --open == 0) return at;
    }
    raise("expected '}}' before end of string");
  }

  // name[!conversion][:spec]
  void write_field(TextBuilder& out, std::string_view field, int level) {
    const size_t name_end = std::min(field.find_first_of("!:"), field.size());
    Value value = resolve(field.substr(0, name_end));
    std::string_view rest = field.substr(name_end);
    if (rest.starts_with('!')) {
      const char conversion = rest.size() > 1 ? rest[1] : '\0';
      if (conversion != 's' && conversion != 'r' && conversion != 'a') raise("unknown conversion in format string");
      value = rt_.text(conversion == 's' ? str(rt_, value) : repr(rt_, value));
      rest.remove_prefix(2);
    }
    if (!rest.empty() && rest[0] != ':') raise("expected ':' after conversion specifier");
    const std::string spec = rest.empty() ? std::string() : run(rest.substr(1), level + 1);
    write_value(out, value, spec);
  }

  void write_value(TextBuilder& out, const Value& value, const std::string& spec_text) {
    if (spec_text.empty()) return append_str(rt_, out, value);
    const FormatSpec spec = parse_spec(spec_text);
    const bool plain_bool = value.is(Kind::kBool) && spec.type == '\0';
    if (value.is_number() && !plain_bool) return append_formatted_number(out, value, spec);
    if (!value.is_string() && !plain_bool) {
      raise("unsupported format string passed to {}.__format__", type_name(value));
    }
    if (spec.align == '=' || spec.sign != '-' || spec.grouping != '\0' || (spec.type != '\0' && spec.type != 's')) {
      raise("Invalid format specifier '{}' for a string", spec_text);
    }
    std::string text = str(rt_, value);
    if (spec.precision) text.resize(byte_offset(text, static_cast<size_t>(*spec.precision)));
    append_formatted(out, text, spec);
  }

  // name.attribute[key]…
  Value resolve(std::string_view name) {
    const size_t first_end = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, first_end));
    for (size_t at = first_end; at < name.size();) {
      if (name[at] == '.') {
        const size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
        value = get_attr(rt_, value, name.substr(at + 1, end - at - 1));
        at = end;
        continue;
      }
      const size_t close = name.find(']', at);
      if (name[at] != '[' || close == kNone) raise("Missing ']' in format string");
      const std::string_view key = name.substr(at + 1, close - at - 1);
      const auto index = number(key);
      value = get_item(rt_, value, index ? Value(*index) : rt_.text(std::string(key)));
      at = close + 1;
    }
    return value;
  }

  Value argument(std::string_view name) {
    auto index = number(name);
    if (name.empty()) index = next_++;
    if (index) {
      if (*index >= static_cast<int64_t>(args_.positional.size())) {
        raise("Replacement index {} out of range for positional args tuple", *index);
      }
      return args_.positional[static_cast<size_t>(*index)];
    }
    for (const auto& [key, value] : args_.named) {
      if (key == name) return value;
    }
    raise("format() has no argument '{}'", name);
  }

  static std::optional<int64_t> number(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.starts_with('-');
    return whole ? std::optional(value) : std::nullopt;
  }

  Runtime& rt_;
  const Args& args_;
  int64_t next_ = 0;
};

}  // namespace

std::string format_braces(Runtime& rt, std::string_view format, const Args& args) {
  return BraceFormatter(rt, args).run(format);
}

}  // namespace kerf::jinja
