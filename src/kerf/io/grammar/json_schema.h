// JSON Schema (draft 2020-12, and what OpenAPI 3.0 and older drafts write differently) → grammar.
//
// Everything that the grammar matches is valid under the schema. The other way round, of valid documents it matches
// those
//   - whose objects hold their properties in the schema's order, additional ones last;
//   - whose white space is bounded (json_rules.h), and enum and const values without any;
//   - whose names, enum values and patterned strings spell each character in the shortest way (json_text.h);
//   - whose numbers have at most 18 digits, or 16 and an exponent below 100.
// An object that lists `properties` and says nothing of `additionalProperties` takes no others (as xgrammar has it).
//
// Understood: type (lists too), nullable, enum, const, $ref (within the document), $defs, definitions, anyOf, oneOf
// (whose alternatives exclude each other visibly), allOf (by merging); properties, required, additionalProperties,
// minProperties and maxProperties (of maps); items, prefixItems, minItems, maxItems; minLength, maxLength, pattern
// (regex.h), format (string_format.h); minimum, maximum, exclusiveMinimum, exclusiveMaximum (whole ones where the
// type is number). Annotations such as title and description change nothing. Every other keyword is refused.
#pragma once

#include <string_view>

#include "kerf/base/result.h"
#include "kerf/io/grammar/grammar.h"

namespace kerf {

// schema: JSON. Messages begin with "JSON Schema".
[[nodiscard]] Result<Grammar> compile_json_schema(std::string_view schema);

}  // namespace kerf
