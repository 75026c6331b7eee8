#include "kerf/io/chat_template/markup.h"

#include "kerf/io/chat_template/text_of.h"

namespace kerf::jinja {

namespace {

template <typename Change>
Value map_strings(Runtime& rt, const Value& value, Change change) {
  if (value.is_string()) return change(value);
  if (!value.is(Kind::kList)) return value;
  std::vector<Value> items;
  for (const Value& item : value.list()->items) items.push_back(item.is_string() ? change(item) : item);
  return rt.list(std::move(items), value.list()->kind);
}

}  // namespace

void append_escaped_html(TextBuilder& out, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '&': out.append("&amp;"); break;
      case '<': out.append("&lt;"); break;
      case '>': out.append("&gt;"); break;
      case '"': out.append("&#34;"); break;
      case '\'': out.append("&#39;"); break;
      default: out.append(text.substr(i, 1));
    }
  }
}

Value escaped(Runtime& rt, const Value& value) {
  if (value.is_string() && value.string().markup) return value;
  const std::string text = str(rt, value);
  TextBuilder out(rt.meter());
  append_escaped_html(out, text);
  return rt.text(out.take(), true);
}

Args escaped(Runtime& rt, const Args& args) {
  const auto escape = [&](const Value& value) {
    return map_strings(rt, value, [&](const Value& text) { return escaped(rt, text); });
  };
  Args out;
  for (const Value& value : args.positional) out.positional.push_back(escape(value));
  for (const auto& [name, value] : args.named) out.named.emplace_back(name, escape(value));
  return out;
}

Value as_markup(Runtime& rt, const Value& value) {
  return map_strings(rt, value, [&](const Value& text) { return rt.text(text.text(), true); });
}

}  // namespace kerf::jinja
