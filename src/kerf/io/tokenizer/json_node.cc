#include "kerf/io/tokenizer/json_node.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace kerf {
namespace {

// Real files nest 8 deep; the components inside ("Sequence" of "Sequence" ...) are read recursively.
constexpr int kMaxDepth = 64;

// Whether brackets outside strings nest deeper than kMaxDepth.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::string_view file) {
  if (too_deep(text)) return fail("{}: nested more than {} levels deep, as no tokenizer is", file, kMaxDepth);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    return fail("{}: not valid JSON at byte {} of {}; is the download complete?", file, e.byte, text.size());
  } catch (const nlohmann::json::exception&) {
    return fail("{}: not valid JSON (a number in it is out of range)", file);
  }
}

JsonNode::JsonNode(const nlohmann::json* value, std::string_view file, std::string path)
    : value_(value != nullptr && value->is_null() ? nullptr : value), file_(file), path_(std::move(path)) {}

JsonNode::JsonNode(const nlohmann::json& document, std::string_view file) : JsonNode(&document, file, "") {}

JsonNode JsonNode::operator[](std::string_view key) const {
  std::string path = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  if (!is_object()) return {nullptr, file_, std::move(path)};
  const auto found = value_->find(key);
  return {found == value_->end() ? nullptr : &*found, file_, std::move(path)};
}

bool JsonNode::is_string() const { return present() && value_->is_string(); }
bool JsonNode::is_object() const { return present() && value_->is_object(); }

Result<std::string> JsonNode::string() const {
  if (!is_string()) return wrong_type("a string");
  return value_->get<std::string>();
}

Result<std::string> JsonNode::string_or(std::string_view otherwise) const {
  return present() ? string() : std::string(otherwise);
}

Result<bool> JsonNode::boolean_or(bool otherwise) const {
  if (!present()) return otherwise;
  if (!value_->is_boolean()) return wrong_type("true or false");
  return value_->get<bool>();
}

Result<int32_t> JsonNode::token_id() const {
  if (!present() || !value_->is_number_integer()) return wrong_type("a token id");
  if (value_->is_number_unsigned() && value_->get<uint64_t>() < kMaxTokenIds) return value_->get<int32_t>();
  return error(fmt::format("is {}, but ids run from 0 to {}", value_->dump(), kMaxTokenIds - 1));
}

Result<size_t> JsonNode::count() const {
  if (!present() || !value_->is_number_unsigned()) return wrong_type("a count");
  return value_->get<size_t>();
}

Result<std::vector<JsonNode>> JsonNode::elements() const {
  KERF_TRY(const nlohmann::json* items, array());
  std::vector<JsonNode> nodes;
  for (size_t i = 0; i < items->size(); ++i) {
    nodes.push_back(JsonNode(&(*items)[i], file_, fmt::format("{}[{}]", path_, i)));
  }
  return nodes;
}

Result<const nlohmann::json*> JsonNode::array() const {
  if (!present() || !value_->is_array()) return wrong_type("an array");
  return value_;
}

Result<const nlohmann::json*> JsonNode::object() const {
  if (!is_object()) return wrong_type("an object");
  return value_;
}

Error JsonNode::error(std::string_view complaint) const {
  return fail("{}: {} {}", file_, path_.empty() ? "the document" : path_, complaint);
}

Error JsonNode::wrong_type(std::string_view expected) const {
  if (!present()) return error(fmt::format("is missing; it must be {}", expected));
  return error(fmt::format("must be {}, but is of type {}", expected, value_->type_name()));
}

}  // namespace kerf
