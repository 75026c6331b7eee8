// Token ids in a config: null, one number, or a list.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/json.h"

namespace kerf {

[[nodiscard]] Result<std::vector<int32_t>> token_ids(const JsonFields& fields, std::string_view name);

}  // namespace kerf
