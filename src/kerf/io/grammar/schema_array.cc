// Arrays: prefixItems, each in its place, then items that the rule's counter counts.
#include <algorithm>

#include "kerf/io/grammar/schema_compiler.h"

namespace kerf {

Result<RuleId> SchemaCompiler::array(const SchemaJson& schema, const std::string& path, int depth) {
  const SchemaJson* prefix = find_keyword(schema, "prefixItems");
  const SchemaJson* items = find_keyword(schema, "items");
  std::string prefix_path = below(path, "prefixItems");
  if (items != nullptr && items->is_array()) {  // as drafts before 2020-12 write it
    if (prefix != nullptr) return schema_error("items", path, "is a list beside 'prefixItems'; give one schema");
    prefix = std::exchange(items, nullptr);
    prefix_path = below(path, "items");
  }
  if (prefix != nullptr && !prefix->is_array()) return schema_error("prefixItems", path, "is no list of schemas");
  KERF_TRY(const uint32_t least, count_keyword(schema, "minItems", 0, path));
  KERF_TRY(uint32_t most, count_keyword(schema, "maxItems", kUnlimited, path));
  const auto fixed = static_cast<uint32_t>(prefix == nullptr ? 0 : prefix->size());
  if (items != nullptr && *items == false) most = std::min(most, fixed);
  if (least > most) return schema_error("minItems", path, "is more than 'maxItems' or the items that there can be");

  const RuleId self = builder_.declare(path);
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State end = nfa.add();
  KERF_TRY(Nfa::State next, json_.open(nfa, begin, '['));
  if (least == 0) nfa.bytes(next, ']', ']', end);
  for (uint32_t i = 0; i < std::min(fixed, most); ++i) {
    KERF_TRY(const RuleId item, rule((*prefix)[i], below(prefix_path, std::to_string(i)), depth + 1));
    const Nfa::State after = nfa.call(next, item);
    if (i + 1 >= least) KERF_TRY_STATUS(json_.close(nfa, after, ']', end));
    if (i + 1 < most) {
      KERF_TRY(next, json_.comma(nfa, after));
    }
  }
  Counter counter;
  if (most > fixed) {
    KERF_TRY(const RuleId item, items == nullptr ? json_.value() : rule(*items, below(path, "items"), depth + 1));
    counter = {.min = least > fixed ? least - fixed : 0, .max = most == kUnlimited ? kUnlimited : most - fixed};
    const Nfa::State after = nfa.call(next, item, kMore | kCounts);
    KERF_TRY(next, json_.comma(nfa, after, kMore));
    nfa.call(next, item, after, kMore | kCounts);
    KERF_TRY_STATUS(json_.close(nfa, after, ']', end, kEnough));
  }
  KERF_TRY_STATUS(json_.define(self, nfa, begin, end, counter));
  return self;
}

}  // namespace kerf
