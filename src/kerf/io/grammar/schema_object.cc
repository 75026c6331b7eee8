// Objects: listed properties in the schema's order, then additional ones.
#include <algorithm>
#include <set>

#include "kerf/io/grammar/schema_compiler.h"

namespace kerf {
namespace {

const SchemaJson kNoProperties = SchemaJson::object();

Result<std::set<std::string>> required_names(const SchemaJson& schema, const std::string& path) {
  std::set<std::string> names;
  const SchemaJson* required = find_keyword(schema, "required");
  if (required == nullptr) return names;
  if (!required->is_array()) return schema_error("required", path, "is no list of names");
  for (const SchemaJson& name : *required) {
    if (!name.is_string()) return schema_error("required", path, "is no list of names");
    names.insert(name.get<std::string>());
  }
  return names;
}

}  // namespace

// The states: before[i], where a name is due and properties [0, i) are done with; after[i], where one has been written
// and those before i are done with.
Result<RuleId> SchemaCompiler::object(const SchemaJson& schema, const std::string& path, int depth) {
  const SchemaJson* listed = find_keyword(schema, "properties");
  if (listed != nullptr && !listed->is_object()) return schema_error("properties", path, "is no object of schemas");
  const SchemaJson& properties = listed == nullptr ? kNoProperties : *listed;
  KERF_TRY(const std::set<std::string> required, required_names(schema, path));
  const SchemaJson* additional = find_keyword(schema, "additionalProperties");
  const bool open = additional != nullptr ? *additional != false : listed == nullptr;
  for (const std::string& name : required) {
    if (properties.contains(name)) continue;
    return schema_error("required", path,
                        fmt::format("names '{}', which 'properties' does not list; add it there", name));
  }
  RuleId other_value = 0;
  if (open) {
    KERF_TRY(other_value,
             additional == nullptr ? json_.value() : rule(*additional, below(path, "additionalProperties"), depth + 1));
  }
  if (properties.empty() && open) return map(schema, other_value, path);
  KERF_TRY(const uint32_t least, count_keyword(schema, "minProperties", 0, path));
  if (least > required.size()) {
    return schema_error("minProperties", path, "is more than the required properties, which is not supported; drop it");
  }
  KERF_TRY(const uint32_t most, count_keyword(schema, "maxProperties", kUnlimited, path));
  if (open ? most != kUnlimited : most < properties.size()) {
    return schema_error("maxProperties", path, "limits what 'properties' lists, which is not supported; drop it");
  }

  const RuleId self = builder_.declare(path);
  const size_t count = properties.size();
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State end = nfa.add();
  std::vector<Nfa::State> before(count + 1);
  std::vector<Nfa::State> after(count + 1);
  for (Nfa::State& state : before) state = nfa.add();
  for (Nfa::State& state : after) state = nfa.add();
  KERF_TRY(const Nfa::State first, json_.open(nfa, begin, '{'));
  nfa.skip(first, before[0]);
  if (required.empty()) nfa.bytes(first, '}', '}', end);

  size_t i = 0;
  size_t last_required = 0;  // one more than its index
  for (const auto& [name, property] : properties.items()) {
    KERF_TRY(const RuleId value, rule(property, below(below(path, "properties"), name), depth + 1));
    const Nfa::State named = nfa.literal(before[i], json_literal(name));
    nfa.call(JsonRules::colon(nfa, named), value, after[i + 1]);
    if (required.contains(name)) {
      last_required = i + 1;
    } else {
      nfa.skip(before[i], before[i + 1]);
    }
    ++i;
  }
  std::vector<std::string> names;
  for (const auto& item : properties.items()) names.push_back(item.key());
  if (open) {
    KERF_TRY(const RuleId other, other_name(names));
    nfa.call(JsonRules::colon(nfa, nfa.call(before[count], other)), other_value, after[count]);
  }
  for (i = 1; i <= count; ++i) {
    if (i >= last_required) KERF_TRY_STATUS(json_.close(nfa, after[i], '}', end));
    if (i == count && !open) break;
    KERF_TRY(const Nfa::State next, json_.comma(nfa, after[i]));
    nfa.skip(next, before[i]);
  }
  KERF_TRY_STATUS(json_.define(self, nfa, begin, end));
  return self;
}

// Any names, between minProperties and maxProperties of them. (Which may repeat: no automaton can tell.)
Result<RuleId> SchemaCompiler::map(const SchemaJson& schema, RuleId value, const std::string& path) {
  KERF_TRY(const uint32_t least, count_keyword(schema, "minProperties", 0, path));
  KERF_TRY(const uint32_t most, count_keyword(schema, "maxProperties", kUnlimited, path));
  if (least > most) return schema_error("minProperties", path, "is above 'maxProperties'");
  if (least > 1) {
    return schema_error("minProperties", path, "is above 1, which is not supported: names that repeat would count");
  }
  KERF_TRY(const RuleId name, other_name({}));
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State end = nfa.add();
  KERF_TRY(const Nfa::State first, json_.open(nfa, begin, '{'));
  if (least == 0) nfa.bytes(first, '}', '}', end);
  const Nfa::State named = nfa.call(first, name, kMore | kCounts);
  const Nfa::State after = nfa.call(JsonRules::colon(nfa, named), value);
  KERF_TRY(const Nfa::State next, json_.comma(nfa, after, kMore));
  nfa.call(next, name, named, kMore | kCounts);
  KERF_TRY_STATUS(json_.close(nfa, after, '}', end));
  return json_.make(path, nfa, begin, end, {.min = least, .max = most});
}

Result<RuleId> SchemaCompiler::other_name(const std::vector<std::string>& listed) {
  if (listed.empty()) return json_.string();
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State inside = nfa.literal(begin, "\"");
  json_character(nfa, inside, inside, CodePoints::all());
  KERF_TRY(const Dfa any, Dfa::of(nfa, begin, nfa.literal(inside, "\""), builder_.budget()));
  std::vector<std::string> literals;
  for (const std::string& name : listed) literals.push_back(json_literal(name));
  KERF_TRY(Dfa others, any.without(literals, builder_.budget()));
  const RuleId rule = builder_.declare("another name");
  builder_.define(rule, std::move(others));
  return rule;
}

}  // namespace kerf
