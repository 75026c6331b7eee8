#include "kerf/io/generation_config.h"

#include "kerf/io/json.h"
#include "kerf/io/mapped_file.h"
#include "kerf/io/token_ids.h"

namespace kerf {

Result<GenerationDefaults> parse_generation_defaults(std::string_view json, std::string_view file_name) {
  KERF_TRY(const nlohmann::json value, parse_json(json, file_name));
  KERF_TRY(const JsonFields fields, JsonFields::of(value, std::string(file_name)));
  GenerationDefaults defaults;

  const auto number = [&fields](const char* name, double max, std::string_view words,
                                std::optional<double>& out) -> Status {
    if (!fields.has(name)) return Ok{};
    KERF_TRY(out, fields.number(name, {0, max, words}));
    return Ok{};
  };
  KERF_TRY_STATUS(number("temperature", 1e3, "a number from 0 to 1000", defaults.temperature));
  KERF_TRY_STATUS(number("top_p", 1, "a number from 0 to 1", defaults.top_p));
  KERF_TRY_STATUS(number("min_p", 1, "a number from 0 to 1", defaults.min_p));
  KERF_TRY_STATUS(number("repetition_penalty", 1e3, "a number from 0 to 1000", defaults.repetition_penalty));
  if (fields.has("top_k")) {
    KERF_TRY(defaults.top_k, fields.integer("top_k", {-1, INT32_MAX}));  // 0 and -1 both mean all
  }
  if (fields.has("do_sample")) {
    KERF_TRY(defaults.do_sample, fields.boolean("do_sample"));
  }
  KERF_TRY(const std::vector<int32_t> bos, token_ids(fields, "bos_token_id"));
  if (!bos.empty()) defaults.bos_id = bos.front();
  KERF_TRY(defaults.eos_ids, token_ids(fields, "eos_token_id"));
  return defaults;
}

Result<GenerationDefaults> load_generation_defaults(const std::filesystem::path& dir) {
  const std::filesystem::path path = dir / "generation_config.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return GenerationDefaults{};
  KERF_TRY(const MappedFile file, MappedFile::open(path));
  return parse_generation_defaults(file.text(), path.string());
}

}  // namespace kerf
