// What a load shows: rates and quantiles over its samples.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "clients.h"

namespace kerf::load {

// The q-quantile by nearest rank; 0 of nothing.
[[nodiscard]] double quantile(std::vector<double> values, double q);

[[nodiscard]] nlohmann::ordered_json summary(const Options& options, const std::vector<Sample>& samples);
[[nodiscard]] std::string as_text(const nlohmann::ordered_json& summary);

}  // namespace kerf::load
