#include "kerf/serve/openai/generation_options.h"

#include <algorithm>
#include <cfloat>
#include <charconv>
#include <map>

#include "kerf/io/json.h"
#include "kerf/serve/openai/response_format.h"

namespace kerf {

namespace {

constexpr size_t kMaxStops = 64;        // each costs a step of an automaton per byte of the answer
constexpr size_t kMaxStopBytes = 1024;  // of one

ApiStatus read_sampling(const Fields& body, const GenerationDefaults& defaults, SamplingParams& params) {
  KERF_TRY(params.temperature, body.number("temperature", defaults.temperature.value_or(1), 0, 100));
  KERF_TRY(params.top_p, body.number("top_p", defaults.top_p.value_or(1), 0, 1));
  params.top_p = std::max(params.top_p, DBL_MIN);  // 0 is the likeliest token alone
  KERF_TRY(const int64_t top_k, body.integer("top_k", defaults.top_k.value_or(0), -1, INT32_MAX));
  params.top_k = static_cast<int>(top_k);
  KERF_TRY(params.min_p, body.number("min_p", defaults.min_p.value_or(0), 0, 1));
  KERF_TRY(params.repetition_penalty,
           body.number("repetition_penalty", defaults.repetition_penalty.value_or(1), 0.01, 100));
  KERF_TRY(params.frequency_penalty, body.number("frequency_penalty", 0, -2, 2));
  KERF_TRY(params.presence_penalty, body.number("presence_penalty", 0, -2, 2));
  return Ok{};
}

ApiStatus read_stops(const Fields& body, const ServedModel& model, SamplingParams& params) {
  KERF_TRY(params.stop, body.strings("stop"));
  if (params.stop.size() > kMaxStops) return body.wrong("stop", fmt::format("at most {} strings", kMaxStops));
  for (const std::string& stop : params.stop) {
    if (stop.empty() || stop.size() > kMaxStopBytes) {
      return body.wrong("stop", fmt::format("strings of 1 to {} bytes", kMaxStopBytes));
    }
  }
  KERF_TRY(params.stop_token_ids, body.token_ids("stop_token_ids", model.vocab_size));
  KERF_TRY(params.ignore_eos, body.boolean("ignore_eos", false));
  KERF_TRY(params.min_tokens, body.integer("min_tokens", 0, 0, INT64_MAX));
  return Ok{};
}

ApiStatus read_logit_bias(const Fields& body, const ServedModel& model, SamplingParams& params) {
  const Json* field = body.find("logit_bias");
  if (field == nullptr) return Ok{};
  const std::string expected =
      fmt::format("an object of token ids below {} and numbers from -100 to 100", model.vocab_size);
  if (!field->is_object()) return body.wrong("logit_bias", expected);
  if (field->size() > kMaxLogitBiases) {
    return body.wrong("logit_bias", fmt::format("at most {} tokens", kMaxLogitBiases));
  }
  std::map<int32_t, float> bias;
  for (const auto& [name, value] : field->items()) {
    int32_t id = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    const bool is_id = error == std::errc() && end == name.data() + name.size() && id >= 0 && id < model.vocab_size;
    if (!is_id || !value.is_number() || std::abs(value.get<double>()) > kMaxLogitBias)
      return body.wrong("logit_bias", expected);
    bias[id] = value.get<float>();
  }
  params.logit_bias.assign(bias.begin(), bias.end());
  return Ok{};
}

ApiStatus read_stream(const Fields& body, GenerationOptions& options) {
  KERF_TRY(options.stream, body.boolean("stream", false));
  KERF_TRY(const std::optional<Fields> stream, body.object("stream_options"));
  if (!stream) return Ok{};
  if (!options.stream) return refuse("stream_options", "'stream_options' needs 'stream': true.");
  KERF_TRY(options.include_usage, stream->boolean("include_usage", false));
  KERF_TRY(options.continuous_usage, stream->boolean("continuous_usage_stats", false));
  options.continuous_usage = options.continuous_usage && options.include_usage;
  return Ok{};
}

ApiStatus read_report(const Fields& body, GenerationOptions& options) {
  KERF_TRY(options.skip_special_tokens, body.boolean("skip_special_tokens", true));
  KERF_TRY(options.include_stop_in_output, body.boolean("include_stop_str_in_output", false));
  KERF_TRY(options.tokens_as_ids, body.boolean("return_tokens_as_token_ids", false));
  KERF_TRY(const int64_t priority, body.integer("priority", 0, INT32_MIN, INT32_MAX));
  options.priority = static_cast<int>(priority);
  KERF_TRY(options.user, body.string("user", ""));
  return Ok{};
}

}  // namespace

ApiResult<GenerationOptions> parse_generation_options(const Fields& body, const ServedModel& model) {
  GenerationOptions options;
  KERF_TRY_STATUS(read_sampling(body, model.defaults, options.params));
  KERF_TRY_STATUS(read_stops(body, model, options.params));
  KERF_TRY_STATUS(read_logit_bias(body, model, options.params));
  KERF_TRY_STATUS(read_stream(body, options));
  KERF_TRY_STATUS(read_report(body, options));
  KERF_TRY(options.params.grammar, parse_response_format(body));

  options.seeded = body.has("seed");
  KERF_TRY(const int64_t seed, body.integer("seed", 0, INT64_MIN, INT64_MAX));
  options.params.seed = static_cast<uint64_t>(seed);
  KERF_TRY(const int64_t n, body.integer("n", 1, 1, kMaxChoices));
  options.n = options.best_of = static_cast<int>(n);
  return options;
}

ApiStatus check_model(const Fields& body, const ServedModel& model) {
  KERF_TRY(const std::string name, body.string("model", ""));
  if (name.empty() || std::ranges::find(model.names, name) != model.names.end()) return Ok{};
  return ApiError{
      .status = 404,
      .message = fmt::format("The model '{}' is not served here; '{}' is.", shown(name), model.names.front()),
      .param = "model",
      .code = "model_not_found"};
}

ApiResult<int64_t> tokens_allowed(int64_t prompt_tokens, const std::optional<int64_t>& wanted,
                                  const ServedModel& model) {
  const int64_t left = model.max_model_len - prompt_tokens;
  if (left >= 1 && wanted.value_or(0) <= left) return wanted.value_or(left);
  ApiError error = refuse(left < 1 ? "prompt" : "max_tokens",
                          "The model's context is {} tokens; the prompt has {} and leaves {} for the answer{}.",
                          model.max_model_len, prompt_tokens, std::max<int64_t>(left, 0),
                          wanted ? fmt::format(", of which {} were asked for", *wanted) : "");
  error.code = "context_length_exceeded";
  return error;
}

}  // namespace kerf
