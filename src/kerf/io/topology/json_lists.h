// Lists in JSON that a user supplied: of objects, and of numbers.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "kerf/io/json.h"

namespace kerf {

inline constexpr size_t kMaxKinds = 1000;
inline constexpr size_t kMaxPoints = 100'000;

// Calls read(fields, object) for each object of the list; an absent list is an empty one.
[[nodiscard]] Status each(const JsonFields& parent, const char* name, size_t at_most,
                          const std::function<Status(const JsonFields&, const nlohmann::json&)>& read);

[[nodiscard]] Result<int> int_field(const JsonFields& fields, const char* name, IntegerRange range,
                                    std::optional<int64_t> fallback = {});

// Numbers from 0 on; an absent list is an empty one.
[[nodiscard]] Result<std::vector<double>> number_list(const JsonFields& fields, const char* name);

}  // namespace kerf
