// Values as text: str(), repr() and JSON, byte for byte as Python writes them.
#pragma once

#include <optional>
#include <string>

#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

[[nodiscard]] std::string float_text(double real);  // repr(float): "1.0", "1e+16", "nan"

// str(value), what {{ }} prints.
void append_str(Runtime& rt, TextBuilder& out, const Value& value);
[[nodiscard]] std::string str(Runtime& rt, const Value& value);
[[nodiscard]] Value str_value(Runtime& rt, const Value& value);  // value itself when it is a string

void append_repr(Runtime& rt, TextBuilder& out, const Value& value);
[[nodiscard]] std::string repr(Runtime& rt, const Value& value);

// The arguments of json.dumps.
struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // what one level is indented by; none: everything on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
void append_json(Runtime& rt, TextBuilder& out, const Value& value, const JsonStyle& style);

}  // namespace kerf::jinja
