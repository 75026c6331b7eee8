#include "kerf/io/grammar/schema_compiler.h"

#include <algorithm>
#include <utility>

#include "kerf/io/grammar/json_schema.h"
#include "kerf/io/grammar/schema_merge.h"
#include "kerf/io/json.h"

namespace kerf {
namespace {

constexpr size_t kMaxSchemaBytes = size_t{256} << 10;
constexpr size_t kMaxNodes = size_t{1} << 14;  // values in the document: some steps are quadratic in them
constexpr int kMaxDepth = 100;                 // of schemas in schemas, $refs that are joined with something included

Error too_deep(std::string_view path) {
  return fail("JSON Schema: the schema at {} nests, or refers to itself, more than {} levels deep", shown(path),
              kMaxDepth);
}

bool says_something(const SchemaJson& schema) {
  const auto items = schema.items();
  return std::any_of(items.begin(), items.end(), [](const auto& item) { return !is_annotation(item.key()); });
}

template <typename Json>
size_t nodes_of(const Json& schema) {
  size_t nodes = 1;
  if (schema.is_structured()) {
    for (const Json& child : schema) nodes += nodes_of(child);
  }
  return nodes;
}

SchemaJson without(SchemaJson schema, std::string_view keyword) {
  schema.erase(std::string(keyword));
  return schema;
}

}  // namespace

Result<Grammar> SchemaCompiler::compile() {
  KERF_TRY(const RuleId root, rule(root_, "#", 0));
  Result<Grammar> grammar = builder_.finish(root);
  if (!grammar.ok()) return fail("JSON Schema: {}", grammar.error().message);
  return grammar;
}

Status SchemaCompiler::spend(const SchemaJson& schema) { return spend(nodes_of(schema)); }

// Names and values of the one are looked for in the other, which takes a fraction of what copying a node takes.
Status SchemaCompiler::spend(const SchemaJson& a, const SchemaJson& b) {
  constexpr size_t kLooksPerNode = 64;
  const size_t nodes_a = nodes_of(a);
  const size_t nodes_b = nodes_of(b);
  return spend(nodes_a + nodes_b + nodes_a * nodes_b / kLooksPerNode);
}

Status SchemaCompiler::spend(size_t nodes) {
  if (nodes > nodes_left_) {
    return Error{"JSON Schema: its schemas join and refer to each other too often; write it more plainly"};
  }
  nodes_left_ -= nodes;
  return Ok{};
}

Result<RuleId> SchemaCompiler::rule(const SchemaJson& schema, const std::string& path, int depth) {
  if (depth > kMaxDepth) return too_deep(path);
  if (schema.is_boolean()) return schema.get<bool>() ? json_.value() : json_.nothing();
  if (!schema.is_object())
    return fail("JSON Schema: at {} stands {}; give a schema {{…}}", shown(path), shown(schema.dump()));
  KERF_TRY_STATUS(check_keywords(schema, path));
  if (schema.contains("$ref")) return rule_of_reference(schema, path, depth);
  if (schema.contains("allOf")) return rule_of_all(schema, path, depth);
  if (schema.contains("anyOf")) return rule_of_any(schema, "anyOf", path, depth);
  if (schema.contains("oneOf")) return rule_of_any(schema, "oneOf", path, depth);
  KERF_TRY(const auto values, values_of(schema, path));
  if (values) return rule_of_values(*values, path);
  return rule_of_types(schema, path, depth);
}

Result<RuleId> SchemaCompiler::rule_of_reference(const SchemaJson& schema, const std::string& path, int depth) {
  KERF_TRY_STATUS(spend(schema));
  if (says_something(without(schema, "$ref"))) {
    KERF_TRY(const SchemaJson whole, resolved(schema, path, depth));
    return rule(whole, path, depth + 1);
  }
  KERF_TRY(const Target target, target_of(schema["$ref"], path));
  if (target.path == path) {
    return schema_error("$ref", path, "refers to itself; let it refer to a schema that says something");
  }
  const auto found = references_.find(target.path);
  if (found != references_.end()) return found->second;
  const RuleId declared = builder_.declare(fmt::format("the schema at {}", shown(target.path)));
  references_[target.path] = declared;
  KERF_TRY(const RuleId body, rule(*target.schema, target.path, depth + 1));
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  KERF_TRY_STATUS(json_.define(declared, nfa, begin, nfa.call(begin, body)));
  return declared;
}

Result<SchemaJson> SchemaCompiler::resolved(const SchemaJson& schema, const std::string& path, int depth) {
  if (depth > kMaxDepth) return too_deep(path);
  if (!schema.is_object() || !schema.contains("$ref")) return schema;
  KERF_TRY(const Target target, target_of(schema["$ref"], path));
  KERF_TRY_STATUS(spend(*target.schema));
  KERF_TRY(const SchemaJson followed, resolved(*target.schema, target.path, depth + 1));
  return joined(followed, without(schema, "$ref"), path);
}

Result<SchemaJson> SchemaCompiler::joined(const SchemaJson& a, const SchemaJson& b, const std::string& path) {
  KERF_TRY_STATUS(spend(a, b));
  return merge_schemas(a, b, path);
}

Result<SchemaCompiler::Target> SchemaCompiler::target_of(const SchemaJson& reference, const std::string& path) const {
  if (!reference.is_string()) return schema_error("$ref", path, "is no string");
  const auto& text = reference.get_ref<const std::string&>();
  if (!text.starts_with('#') || (text.size() > 1 && text[1] != '/')) {
    return schema_error("$ref", path,
                        fmt::format("is '{}'; only places in this schema are known, as in #/$defs/name", shown(text)));
  }
  try {
    const SchemaJson::json_pointer pointer(text.substr(1));
    if (root_.contains(pointer)) return Target{&root_.at(pointer), text};
  } catch (const nlohmann::json::exception&) {  // malformed: as if it were not there
  }
  return schema_error("$ref", path, fmt::format("is '{}', which is not in the schema", shown(text)));
}

Result<RuleId> SchemaCompiler::rule_of_all(const SchemaJson& schema, const std::string& path, int depth) {
  const SchemaJson& parts = schema["allOf"];
  if (!parts.is_array() || parts.empty()) return schema_error("allOf", path, "is no list of schemas");
  KERF_TRY_STATUS(spend(schema));
  SchemaJson whole = without(schema, "allOf");
  if (!says_something(whole) && parts.size() == 1) return rule(parts[0], below(below(path, "allOf"), "0"), depth + 1);
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string place = below(below(path, "allOf"), std::to_string(i));
    if (parts[i].is_object()) KERF_TRY_STATUS(check_keywords(parts[i], place));
    KERF_TRY(const SchemaJson part, resolved(parts[i], place, depth + 1));
    KERF_TRY(whole, joined(whole, part, place));
  }
  return rule(whole, path, depth + 1);
}

Result<RuleId> SchemaCompiler::rule_of_any(const SchemaJson& schema, std::string_view keyword, const std::string& path,
                                           int depth) {
  const SchemaJson& parts = *find_keyword(schema, keyword);
  if (!parts.is_array() || parts.empty()) return schema_error(keyword, path, "is no list of schemas");
  KERF_TRY_STATUS(spend(schema));
  const SchemaJson rest = without(schema, keyword);
  const bool alone = !says_something(rest);
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State end = nfa.add();
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string place = below(below(path, keyword), std::to_string(i));
    SchemaJson part = parts[i];
    if (!alone) {
      KERF_TRY(part, resolved(part, place, depth + 1));
      KERF_TRY(part, joined(rest, part, place));
    }
    for (size_t j = 0; j < i && keyword == "oneOf"; ++j) {
      KERF_TRY(const bool apart, exclude_each_other(parts[j], parts[i], path, 0));
      if (!apart) {
        return schema_error(
            keyword, path,
            fmt::format("has alternatives ({} and {}) that one value could match both; write anyOf", j, i));
      }
    }
    KERF_TRY(const RuleId alternative, rule(part, place, depth + 1));
    nfa.call(begin, alternative, end);
  }
  return json_.make(path, nfa, begin, end);
}

Result<RuleId> SchemaCompiler::rule_of_values(const std::vector<SchemaJson>& values, const std::string& path) {
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State end = nfa.add();
  for (const SchemaJson& value : values) nfa.skip(nfa.literal(begin, json_literal(value)), end);
  return json_.make(path, nfa, begin, end);
}

Result<RuleId> SchemaCompiler::rule_of_types(const SchemaJson& schema, const std::string& path, int depth) {
  KERF_TRY(const std::vector<std::string> types, types_of(schema, path));
  if (types.empty()) return json_.value();
  const bool any_number = std::find(types.begin(), types.end(), "number") != types.end();
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State end = nfa.add();
  std::vector<RuleId> called;
  for (const std::string& type : types) {
    if (type == "null") {
      nfa.skip(nfa.literal(begin, "null"), end);
    } else if (type == "boolean") {
      nfa.skip(nfa.literal(begin, "true"), end);
      nfa.skip(nfa.literal(begin, "false"), end);
    } else if (type == "number" || (type == "integer" && !any_number)) {
      KERF_TRY(const Nfa::State after, number(nfa, begin, schema, type == "integer", path));
      nfa.skip(after, end);
    } else if (type != "integer") {
      KERF_TRY(called.emplace_back(), type == "string"  ? string(schema, path)
                                      : type == "array" ? array(schema, path, depth)
                                                        : object(schema, path, depth));
      nfa.call(begin, called.back(), end);
    }
  }
  if (types.size() == 1 && called.size() == 1) return called[0];
  return json_.make(path, nfa, begin, end);
}

Result<Grammar> compile_json_schema(std::string_view schema) {
  const Result<nlohmann::json> checked =
      parse_json(schema, "JSON Schema", {.max_bytes = kMaxSchemaBytes, .max_depth = kMaxDepth});
  if (!checked.ok()) return checked.error();
  if (const size_t nodes = nodes_of(*checked); nodes > kMaxNodes) {
    return fail("JSON Schema: it consists of {} values, kerf takes {}; write it more plainly", nodes, kMaxNodes);
  }
  const SchemaJson ordered = SchemaJson::parse(schema);
  return SchemaCompiler(ordered).compile();
}

Result<Grammar> compile_grammar(std::string_view text) {
  constexpr std::string_view kSchema = "schema:";
  if (text.starts_with(kSchema)) return compile_json_schema(text.substr(kSchema.size()));
  if (text != "json") return fail("grammar '{}' is neither 'json' nor 'schema:' and a JSON Schema", shown(text));
  GrammarBuilder builder;
  JsonRules json(builder);
  KERF_TRY(const RuleId root, json.object());
  return builder.finish(root);
}

}  // namespace kerf
