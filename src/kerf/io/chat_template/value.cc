#include "kerf/io/chat_template/value.h"

#include <functional>

#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

const std::string& Value::text() const { return string().text; }

const void* Value::identity() const {
  return std::visit(
      []<typename T>(const T& held) -> const void* {
        if constexpr (requires { held.get(); }) {
          return held.get();
        } else {
          return nullptr;
        }
      },
      storage_);
}

int Value::depth() const {
  switch (kind()) {
    case Kind::kList: return list()->depth;
    case Kind::kDict: return dict()->depth();
    case Kind::kIterator: return iterator().items->depth + 1;
    case Kind::kObject: return object()->depth();
    default: return 1;
  }
}

std::string Object::repr(Runtime&) const { return fmt::format("<{}>", type_name()); }
std::optional<Value> Object::attr(Runtime&, std::string_view) { return std::nullopt; }
Value Object::call(Runtime&, const Args&) { raise("'{}' object is not callable", type_name()); }

Value constant_text(std::string text) {
  const size_t chars = count_chars(text);
  return Ref<String>(new String{std::move(text), chars, false, {}});
}

Value undefined(std::string why) { return Undefined{std::make_shared<const std::string>(std::move(why))}; }

void raise_undefined(const Value& value) {
  const auto& why = value.undefined().why;
  raise("{}", why ? std::string_view(*why) : std::string_view("a value is undefined"));
}

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return "Undefined";
    case Kind::kNone: return "None";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kFloat: return "float";
    case Kind::kString: return "str";
    case Kind::kDict: return "dict";
    case Kind::kRange: return "range";
    case Kind::kIterator: return "generator";
    case Kind::kObject: return value.object()->type_name();
    case Kind::kList: break;
  }
  switch (value.list()->kind) {
    case ListKind::kTuple:
    case ListKind::kGroup: return "tuple";
    case ListKind::kKeys: return "dict_keys";
    case ListKind::kValues: return "dict_values";
    case ListKind::kItems: return "dict_items";
    default: return "list";
  }
}

bool truthy(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone: return false;
    case Kind::kBool:
    case Kind::kInt: return value.integer() != 0;
    case Kind::kFloat: return value.real() != 0;
    case Kind::kString: return !value.text().empty();
    case Kind::kList: return !value.list()->items.empty();
    case Kind::kDict: return !value.dict()->entries().empty();
    case Kind::kRange: return value.range().count != 0;
    default: return true;
  }
}

}  // namespace kerf::jinja
