#include "kerf/io/chat_template/attribute_path.h"

#include <algorithm>

#include "kerf/io/chat_template/attributes.h"
#include "kerf/io/chat_template/number_text.h"
#include "kerf/io/chat_template/text_search.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

AttributePath::AttributePath(Runtime& rt, const Value& attribute) {
  if (attribute.is_none()) return;
  if (!attribute.is_string()) {
    steps_.push_back(attribute);
    return;
  }
  const auto is_number = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  for (const std::string_view part : split_at(rt.meter(), attribute.text(), ".", -1)) {
    steps_.push_back(is_number(part) ? Value(*parse_int(part, 10)) : rt.text(std::string(part)));
  }
}

Value AttributePath::of(Runtime& rt, Value item, const Value& fallback) const {
  rt.meter().step();
  for (const Value& step : steps_) {
    item = get_item(rt, item, step);
    if (item.is_undefined() && !fallback.is_none()) item = fallback;
  }
  return item;
}

Value ignore_case(Runtime& rt, const Value& value) {
  return value.is_string() ? rt.text(to_lower(value.text())) : value;
}

}  // namespace kerf::jinja
