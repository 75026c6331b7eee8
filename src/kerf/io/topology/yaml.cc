#include "kerf/io/topology/yaml.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "kerf/io/json.h"
#include "kerf/io/tokenizer/utf8.h"

namespace kerf {

namespace {

constexpr size_t kMaxBytes = size_t{4} << 20;
constexpr int kMaxDepth = 32;
constexpr int kMaxNodes = 200'000;

// The value of a plain scalar by YAML's core schema.
nlohmann::json plain_value(const std::string& text) {
  if (text.empty() || text == "~" || text == "null") return nullptr;
  if (text == "true" || text == "false") return text == "true";
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (const auto parsed = std::from_chars(text.data(), end, integer); parsed.ec == std::errc() && parsed.ptr == end) {
    return integer;
  }
  double number = 0;
  if (const auto parsed = std::from_chars(text.data(), end, number);
      parsed.ec == std::errc() && parsed.ptr == end && std::isfinite(number)) {
    return number;
  }
  return text;
}

class Converter {
 public:
  explicit Converter(std::string_view where) : where_(where) {}

  Result<nlohmann::json> convert(const YAML::Node& node, int depth = 0) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) {
      return fail("{}: line {}: more than {} levels or {} values", where_, node.Mark().line + 1, kMaxDepth, kMaxNodes);
    }
    switch (node.Type()) {
      case YAML::NodeType::Scalar: return scalar(node);
      case YAML::NodeType::Sequence: return sequence(node, depth);
      case YAML::NodeType::Map: return map(node, depth);
      default: return nlohmann::json();
    }
  }

 private:
  Result<nlohmann::json> scalar(const YAML::Node& node) const {
    // JSON's own functions would throw.
    if (valid_utf8_prefix(node.Scalar()) != node.Scalar().size()) {
      return fail("{}: line {}: not UTF-8", where_, node.Mark().line + 1);
    }
    return node.Tag() == "!" ? nlohmann::json(node.Scalar()) : plain_value(node.Scalar());
  }

  Result<nlohmann::json> sequence(const YAML::Node& node, int depth) {
    nlohmann::json list = nlohmann::json::array();
    for (const YAML::Node& item : node) {
      KERF_TRY(nlohmann::json value, convert(item, depth + 1));
      list.push_back(std::move(value));
    }
    return list;
  }

  Result<nlohmann::json> map(const YAML::Node& node, int depth) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& item : node) {
      if (!item.first.IsScalar()) return fail("{}: line {}: a key that is no word", where_, node.Mark().line + 1);
      KERF_TRY(const nlohmann::json checked, scalar(item.first));
      const std::string& key = item.first.Scalar();
      if (object.contains(key)) {
        return fail("{}: line {}: '{}' twice in one object", where_, item.first.Mark().line + 1, shown(key));
      }
      KERF_TRY(object[key], convert(item.second, depth + 1));
    }
    return object;
  }

  std::string_view where_;
  int nodes_ = 0;
};

}  // namespace

Result<nlohmann::json> parse_yaml(std::string_view text, std::string_view where) {
  if (text.size() > kMaxBytes) return fail("{}: {} bytes of YAML; at most {} are read", where, text.size(), kMaxBytes);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() != 1) return fail("{}: {} YAML documents; expected one", where, documents.size());
    return Converter(where).convert(documents[0]);
  } catch (const YAML::Exception& error) {
    if (error.mark.is_null()) return fail("{}: not valid YAML: {}", where, shown(error.msg));
    return fail("{}: not valid YAML at line {}, column {}: {}", where, error.mark.line + 1, error.mark.column + 1,
                shown(error.msg));
  }
}

}  // namespace kerf
