// The compiler behind json_schema.h: one rule per schema, the same one for every $ref to it. Internal to
// kerf/io/grammar.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "kerf/io/grammar/json_rules.h"
#include "kerf/io/grammar/json_text.h"
#include "kerf/io/grammar/schema_node.h"

namespace kerf {

class SchemaCompiler {
 public:
  // The document must outlive the compiler.
  explicit SchemaCompiler(const SchemaJson& root) : root_(root) {}

  [[nodiscard]] Result<Grammar> compile();

 private:
  // The rule of a schema; path: where it stands in the document, for messages and for $ref.
  Result<RuleId> rule(const SchemaJson& schema, const std::string& path, int depth);
  Result<RuleId> rule_of_reference(const SchemaJson& schema, const std::string& path, int depth);
  Result<RuleId> rule_of_all(const SchemaJson& schema, const std::string& path, int depth);
  Result<RuleId> rule_of_any(const SchemaJson& schema, std::string_view keyword, const std::string& path, int depth);
  Result<RuleId> rule_of_values(const std::vector<SchemaJson>& values, const std::string& path);
  Result<RuleId> rule_of_types(const SchemaJson& schema, const std::string& path, int depth);

  // By type. Those that return a state lead there from `from`.
  Result<RuleId> object(const SchemaJson& schema, const std::string& path, int depth);
  Result<RuleId> map(const SchemaJson& schema, RuleId value, const std::string& path);
  Result<RuleId> array(const SchemaJson& schema, const std::string& path, int depth);
  Result<RuleId> string(const SchemaJson& schema, const std::string& path);
  Result<RuleId> string_of_pattern(std::string_view pattern, Counter length, std::string_view keyword,
                                   const std::string& path);
  Result<Nfa::State> number(Nfa& nfa, Nfa::State from, const SchemaJson& schema, bool whole, const std::string& path);
  // Names of additional properties: any but those listed.
  Result<RuleId> other_name(const std::vector<std::string>& listed);

  // Takes a schema's size off what the compiler may look at: schemas that are joined again and again could double.
  Status spend(const SchemaJson& schema);
  // The same for two that are compared or joined.
  Status spend(const SchemaJson& a, const SchemaJson& b);
  Status spend(size_t nodes);

  // A schema with its $refs followed, joined with what stands beside them.
  Result<SchemaJson> resolved(const SchemaJson& schema, const std::string& path, int depth);
  Result<SchemaJson> joined(const SchemaJson& a, const SchemaJson& b, const std::string& path);
  // What a $ref points to, and where that is.
  struct Target {
    const SchemaJson* schema;
    std::string path;
  };
  Result<Target> target_of(const SchemaJson& reference, const std::string& path) const;
  // Whether no value is valid under both, as far as types, constants and required properties tell.
  Result<bool> exclude_each_other(const SchemaJson& a, const SchemaJson& b, const std::string& path, int depth);

  const SchemaJson& root_;
  GrammarBuilder builder_;
  JsonRules json_{builder_};
  size_t nodes_left_ = size_t{1} << 22;
  std::map<std::string, RuleId> references_;                               // by path
  std::map<std::tuple<std::string, uint32_t, uint32_t>, RuleId> strings_;  // by pattern and lengths
};

// The bounds that a schema sets to numbers; whole: of type integer, where fractions are rounded inwards.
[[nodiscard]] Result<NumberBounds> number_bounds(const SchemaJson& schema, bool whole, const std::string& path);

}  // namespace kerf
