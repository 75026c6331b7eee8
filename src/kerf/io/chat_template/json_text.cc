// json.dumps, as transformers' tojson filter calls it.
#include <algorithm>
#include <cmath>

#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/text_of.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& rt, TextBuilder& out, const JsonStyle& style) : rt_(rt), out_(out), style_(style) {}

  void write(const Value& value) {
    rt_.meter().step();
    const DepthGuard guard(rt_.meter());
    if (value.is_string()) return write_string(value.text());
    if (value.is(Kind::kDict)) return write_dict(*value.dict());
    if (value.is(Kind::kList) && !value.list()->is_view()) return write_list(*value.list());
    if (value.is_none() || value.is_number()) return out_.append(scalar(value));
    raise("Object of type {} is not JSON serializable", type_name(value));
  }

 private:
  [[nodiscard]] static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (value.is(Kind::kBool)) return value.boolean() ? "true" : "false";
    if (value.is(Kind::kInt)) return std::to_string(value.integer());
    const double real = value.real();
    if (std::isnan(real)) return "NaN";
    if (std::isinf(real)) return real < 0 ? "-Infinity" : "Infinity";
    return float_text(real);
  }

  void write_string(std::string_view text) {
    out_.append("\"");
    for (size_t at = 0; at < text.size();) {
      const size_t start = at;
      const char32_t c = next_char(text, at);
      if (c >= 0x20 && c < 0x7F && c != U'"' && c != U'\\') {
        out_.append(text.substr(start, at - start));
      } else {
        write_special(c, text.substr(start, at - start));
      }
    }
    out_.append("\"");
  }

  void write_special(char32_t c, std::string_view utf8) {
    switch (c) {
      case U'"': return out_.append("\\\"");
      case U'\\': return out_.append("\\\\");
      case U'\b': return out_.append("\\b");
      case U'\f': return out_.append("\\f");
      case U'\n': return out_.append("\\n");
      case U'\r': return out_.append("\\r");
      case U'\t': return out_.append("\\t");
      default: break;
    }
    const auto code = static_cast<uint32_t>(c);
    if (code >= 0x20 && !style_.ensure_ascii) return out_.append(utf8);
    if (code < 0x10000) return out_.append(fmt::format("\\u{:04x}", code));
    const uint32_t offset = code - 0x10000;  // a surrogate pair of UTF-16
    out_.append(fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10), 0xDC00 + (offset & 0x3FF)));
  }

  void break_line() {
    if (!style_.indent) return;
    out_.append("\n");
    for (int i = 0; i < level_; ++i) out_.append(*style_.indent);
  }

  void write_list(const List& list) {
    if (list.items.empty()) return out_.append("[]");
    out_.append("[");
    ++level_;
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_.append(style_.item_separator);
      break_line();
      write(list.items[i]);
    }
    --level_;
    break_line();
    out_.append("]");
  }

  void write_dict(const Dict& dict) {
    if (dict.entries().empty()) return out_.append("{}");
    std::vector<Dict::Entry> entries;
    if (style_.sort_keys) {
      entries = dict.entries();
      std::stable_sort(entries.begin(), entries.end(), [&](const Dict::Entry& a, const Dict::Entry& b) {
        return compare(rt_.meter(), a.first, b.first) == -1;
      });
    }
    out_.append("{");
    ++level_;
    bool first = true;
    for (const auto& [key, value] : style_.sort_keys ? entries : dict.entries()) {
      if (!first) out_.append(style_.item_separator);
      first = false;
      break_line();
      write_key(key);
      out_.append(style_.key_separator);
      write(value);
    }
    --level_;
    break_line();
    out_.append("}");
  }

  void write_key(const Value& key) {
    if (key.is_string()) return write_string(key.text());
    if (!key.is_none() && !key.is_number()) {
      raise("keys must be str, int, float, bool or None, not {}", type_name(key));
    }
    write_string(scalar(key));
  }

  Runtime& rt_;
  TextBuilder& out_;
  const JsonStyle& style_;
  int level_ = 0;
};

}  // namespace

void append_json(Runtime& rt, TextBuilder& out, const Value& value, const JsonStyle& style) {
  JsonWriter(rt, out, style).write(value);
}

}  // namespace kerf::jinja
