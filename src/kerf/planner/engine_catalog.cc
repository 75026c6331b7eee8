#include "kerf/planner/engine_catalog.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "kerf/io/catalog/files.h"
#include "kerf/io/json.h"
#include "kerf/planner/calibration.h"

namespace kerf {

namespace {

constexpr std::string_view kFile = "engines.json";
constexpr int kMaxAncestors = 4;
constexpr NumberRange kNotNegative{0, 1e15, "a number that is not negative"};

struct NumberField {
  const char* name;
  double EngineSpec::*member;
};
constexpr std::array kNumbers{
    NumberField{"step_overhead_us", &EngineSpec::step_overhead_us},
    NumberField{"layer_overhead_us", &EngineSpec::layer_overhead_us},
    NumberField{"sequence_overhead_us", &EngineSpec::sequence_overhead_us},
    NumberField{"prompt_overhead_us", &EngineSpec::prompt_overhead_us},
    NumberField{"host_step_us", &EngineSpec::host_step_us},
    NumberField{"host_sequence_us", &EngineSpec::host_sequence_us},
    NumberField{"eager_collective_us", &EngineSpec::eager_collective_us},
    NumberField{"expert_overhead_us", &EngineSpec::expert_overhead_us},
    NumberField{"latent_overhead_us", &EngineSpec::latent_overhead_us},
    NumberField{"launch_us", &EngineSpec::launch_us},
    NumberField{"expert_launches", &EngineSpec::expert_launches},
    NumberField{"latent_launches", &EngineSpec::latent_launches},
    NumberField{"elementwise_passes", &EngineSpec::elementwise_passes},
    NumberField{"attention_reread", &EngineSpec::attention_reread},
    NumberField{"routing_spread", &EngineSpec::routing_spread},
    NumberField{"synchronised", &EngineSpec::synchronised},
    NumberField{"dp_wait_steps", &EngineSpec::dp_wait_steps},
    NumberField{"frontend_requests_per_s", &EngineSpec::frontend_requests_per_s},
    NumberField{"frontend_tokens_per_s", &EngineSpec::frontend_tokens_per_s},
    NumberField{"first_token_ms", &EngineSpec::first_token_ms},
    NumberField{"request_ms", &EngineSpec::request_ms},
    NumberField{"bandwidth_factor", &EngineSpec::bandwidth_factor},
    NumberField{"compute_factor", &EngineSpec::compute_factor},
    NumberField{"narrow_compute_factor", &EngineSpec::narrow_compute_factor},
    NumberField{"attention_factor", &EngineSpec::attention_factor},
    NumberField{"prefill_attention_factor", &EngineSpec::prefill_attention_factor},
    NumberField{"expert_bandwidth_factor", &EngineSpec::expert_bandwidth_factor},
    NumberField{"expert_compute_factor", &EngineSpec::expert_compute_factor},
    NumberField{"expert_imbalance", &EngineSpec::expert_imbalance},
    NumberField{"prefill_interference", &EngineSpec::prefill_interference},
    NumberField{"offline_prefill_interference", &EngineSpec::offline_prefill_interference},
    NumberField{"admission_steps", &EngineSpec::admission_steps},
    NumberField{"burst_queue", &EngineSpec::burst_queue},
    NumberField{"steady_queue", &EngineSpec::steady_queue},
    NumberField{"accepted_tokens", &EngineSpec::accepted_tokens},
    NumberField{"memory_utilization", &EngineSpec::memory_utilization},
    NumberField{"context_bytes", &EngineSpec::context_bytes},
    NumberField{"comm_bytes", &EngineSpec::comm_bytes},
    NumberField{"output_reserve", &EngineSpec::output_reserve},
    NumberField{"relative_error", &EngineSpec::relative_error},
};

struct IntegerField {
  const char* name;
  int64_t EngineSpec::*member;
};
constexpr std::array kIntegers{
    IntegerField{"max_num_batched_tokens", &EngineSpec::max_num_batched_tokens},
    IntegerField{"max_num_seqs", &EngineSpec::max_num_seqs},
    IntegerField{"max_num_seqs_offline", &EngineSpec::max_num_seqs_offline},
    IntegerField{"block_size", &EngineSpec::block_size},
    IntegerField{"microbatch_tokens", &EngineSpec::microbatch_tokens},
};

struct FlagField {
  const char* name;
  bool EngineSpec::*member;
};
constexpr std::array kFlags{
    FlagField{"pipeline_microbatches", &EngineSpec::pipeline_microbatches},
    FlagField{"utilization_of_free", &EngineSpec::utilization_of_free},
    FlagField{"chunked_prefill", &EngineSpec::chunked_prefill},
    FlagField{"any_tp", &EngineSpec::any_tp},
    FlagField{"uneven_pp", &EngineSpec::uneven_pp},
};

bool known_field(std::string_view name) {
  const auto is = [&](const auto& field) { return name == field.name; };
  return name == "name" || name == "aliases" || name == "like" || name == "source" || name == "collectives" ||
         std::ranges::any_of(kNumbers, is) || std::ranges::any_of(kIntegers, is) || std::ranges::any_of(kFlags, is);
}

// Lays the fields that `object` states over `engine`.
Status apply(const nlohmann::json& object, const JsonFields& fields, EngineSpec& engine) {
  for (const auto& [name, value] : object.items()) {
    if (!known_field(name)) return fail("{}: '{}' is no field of an engine", fields.where(), shown(name));
  }
  for (const NumberField& field : kNumbers) {
    KERF_TRY(engine.*field.member, fields.number(field.name, kNotNegative, engine.*field.member));
  }
  for (const IntegerField& field : kIntegers) {
    KERF_TRY(engine.*field.member, fields.integer(field.name, {0, int64_t{1} << 40}, engine.*field.member));
  }
  for (const FlagField& field : kFlags) {
    KERF_TRY(engine.*field.member, fields.boolean(field.name, engine.*field.member));
  }
  KERF_TRY(engine.collectives, fields.string("collectives", engine.collectives));
  KERF_TRY(engine.source, fields.string("source", engine.source));
  return Ok{};
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

Result<nlohmann::json> read_engines() {
  KERF_TRY(const std::string text, read_catalog_file(kFile));
  KERF_TRY(nlohmann::json file, parse_json(text, kFile));
  if (!file.is_object() || !file.contains("engines") || !file["engines"].is_array()) {
    return fail("{}: expected an object with a list 'engines'", kFile);
  }
  return file["engines"];
}

bool answers_to(const nlohmann::json& engine, std::string_view name) {
  if (engine.value("name", "") == name) return true;
  const auto aliases = engine.find("aliases");
  if (aliases == engine.end() || !aliases->is_array()) return false;
  return std::ranges::any_of(*aliases, [&](const nlohmann::json& alias) { return alias == std::string(name); });
}

const nlohmann::json* find(const nlohmann::json& engines, std::string_view name) {
  for (const nlohmann::json& engine : engines) {
    if (engine.is_object() && answers_to(engine, name)) return &engine;
  }
  return nullptr;
}

// `like` first, then the engine's own fields.
Status fill(const nlohmann::json& engines, const nlohmann::json& object, int ancestors, EngineSpec& engine) {
  const std::string where = fmt::format("{}: engine '{}'", kFile, object.value("name", "?"));
  KERF_TRY(const JsonFields fields, JsonFields::of(object, where));
  KERF_TRY(const std::string like, fields.string("like", ""));
  if (!like.empty()) {
    const nlohmann::json* parent = find(engines, like);
    if (parent == nullptr || ancestors == 0) return fields.wrong("like", "the name of another engine");
    KERF_TRY_STATUS(fill(engines, *parent, ancestors - 1, engine));
  }
  return apply(object, fields, engine);
}

}  // namespace

Result<EngineSpec> find_engine(std::string_view name) {
  KERF_TRY(const nlohmann::json engines, read_engines());
  const nlohmann::json* object = find(engines, lower(name));
  if (object == nullptr) {
    KERF_TRY(const std::vector<std::string> names, engine_names());
    return fail("engine '{}' is not in the catalogue; known are {}", shown(name), fmt::join(names, ", "));
  }
  EngineSpec engine;
  KERF_TRY_STATUS(fill(engines, *object, kMaxAncestors, engine));
  engine.name = object->value("name", "");
  return engine;
}

Result<double*> engine_constant(EngineSpec& engine, const std::string& name) {
  const auto field = std::ranges::find_if(kNumbers, [&](const NumberField& each) { return name == each.name; });
  if (field == kNumbers.end()) return fail("{}: engines have no constant '{}'", kFile, name);
  return &(engine.*field->member);
}

Result<std::vector<std::string>> engine_names() {
  KERF_TRY(const nlohmann::json engines, read_engines());
  std::vector<std::string> names;
  for (const nlohmann::json& engine : engines) {
    if (engine.is_object()) names.push_back(engine.value("name", ""));
  }
  return names;
}

}  // namespace kerf
