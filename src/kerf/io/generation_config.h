// generation_config.json: how its authors advise to sample from a model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

// What generation_config.json advises; nothing where it says nothing.
struct GenerationDefaults {
  std::optional<bool> do_sample;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> top_k;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
  std::optional<int32_t> bos_id;
  std::vector<int32_t> eos_ids;  // in the order of the file
};

[[nodiscard]] Result<GenerationDefaults> parse_generation_defaults(std::string_view json, std::string_view file_name);

// A directory without generation_config.json gives defaults without a word in them.
[[nodiscard]] Result<GenerationDefaults> load_generation_defaults(const std::filesystem::path& dir);

}  // namespace kerf
