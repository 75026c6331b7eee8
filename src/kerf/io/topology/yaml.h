// YAML as JSON, so that one strict reader serves both.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "kerf/base/result.h"

namespace kerf {

// Plain scalars become null, booleans or numbers where they look like one, quoted ones strings. Refuses what is too
// large or too deep (an alias is counted as often as it is used), several documents, keys twice, and keys that are no
// scalars; syntax errors name the line.
[[nodiscard]] Result<nlohmann::json> parse_yaml(std::string_view text, std::string_view where);

}  // namespace kerf
