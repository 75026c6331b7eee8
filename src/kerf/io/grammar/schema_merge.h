// Several schemas that hold at once (allOf, or an anyOf beside other keywords) → one. Internal to kerf/io/grammar.
#pragma once

#include <string_view>

#include "kerf/io/grammar/schema_node.h"

namespace kerf {

// Both must hold; neither has a $ref. Fails where one schema cannot say it, naming the keyword.
// path: of `b`, for messages.
[[nodiscard]] Result<SchemaJson> merge_schemas(const SchemaJson& a, const SchemaJson& b, std::string_view path);

}  // namespace kerf
