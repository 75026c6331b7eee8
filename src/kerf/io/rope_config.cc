#include "kerf/io/rope_config.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace kerf {

namespace {

constexpr IntegerRange kPositions{1, int64_t{1} << 30};
constexpr NumberRange kFactor{1.0, 1e6, "a number >= 1"};

// YaRN (arXiv 2309.00071, §3.4): the square root of 1/t, by which cos and sin are multiplied.
double yarn_mscale(double factor, double mscale) { return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0; }

Status parse_llama3(const JsonFields& scaling, RopeSpec& rope) {
  rope.scaling = RopeSpec::Scaling::kLlama3;
  KERF_TRY(rope.factor, scaling.number("factor", kFactor));
  KERF_TRY(rope.low_freq_factor, scaling.number("low_freq_factor", kPositive));
  KERF_TRY(rope.high_freq_factor, scaling.number("high_freq_factor", kPositive));
  KERF_TRY(rope.original_max_positions, scaling.integer("original_max_position_embeddings", kPositions));
  if (rope.high_freq_factor <= rope.low_freq_factor) {
    return scaling.wrong("high_freq_factor", "more than low_freq_factor");
  }
  return Ok{};
}

Status parse_yarn(const JsonFields& scaling, int64_t max_positions, RopeSpec& rope) {
  rope.scaling = RopeSpec::Scaling::kYarn;
  KERF_TRY(rope.original_max_positions, scaling.integer("original_max_position_embeddings", kPositions, max_positions));
  // Some versions of transformers derive the factor from the lengths; the stated one goes first, as in vLLM.
  const double ratio = static_cast<double>(max_positions) / static_cast<double>(rope.original_max_positions);
  std::optional<double> derived;
  if (ratio > 1) derived = ratio;
  KERF_TRY(rope.factor, scaling.number("factor", kFactor, derived));
  KERF_TRY(rope.beta_fast, scaling.number("beta_fast", kPositive, 32.0));
  KERF_TRY(rope.beta_slow, scaling.number("beta_slow", kPositive, 1.0));
  if (rope.beta_fast <= rope.beta_slow) return scaling.wrong("beta_fast", "more than beta_slow");
  KERF_TRY(const bool truncate, scaling.boolean("truncate", true));
  if (!truncate) return scaling.wrong("truncate", "true; kerf knows no other yarn yet");

  constexpr NumberRange kMscale{0, 1e6, "a number >= 0"};
  KERF_TRY(const double mscale, scaling.number("mscale", kMscale, 0.0));
  KERF_TRY(const double mscale_all, scaling.number("mscale_all_dim", kMscale, 0.0));
  const bool both = mscale > 0 && mscale_all > 0;
  const double by_default =
      both ? yarn_mscale(rope.factor, mscale) / yarn_mscale(rope.factor, mscale_all) : yarn_mscale(rope.factor, 1.0);
  KERF_TRY(rope.attention_factor, scaling.number("attention_factor", kPositive, by_default));
  return Ok{};
}

// scaling: the object with the type and its parameters.
Status parse_scaling(const JsonFields& scaling, int64_t max_positions, RopeSpec& rope) {
  if (!scaling.has("rope_type") && !scaling.has("type") && !scaling.has("factor")) return Ok{};
  const char* key = scaling.has("rope_type") ? "rope_type" : "type";
  KERF_TRY(const std::string type, scaling.string(key));
  if (type == "default") return Ok{};
  if (type == "llama3") return parse_llama3(scaling, rope);
  if (type == "yarn") return parse_yarn(scaling, max_positions, rope);
  if (type == "linear") {
    rope.scaling = RopeSpec::Scaling::kLinear;
    KERF_TRY(rope.factor, scaling.number("factor", kFactor));
    return Ok{};
  }
  return scaling.wrong(key, "default, linear, llama3 or yarn; kerf knows no other rope scaling yet");
}

Status check_unpartial(const JsonFields& fields) {
  KERF_TRY(const double share, fields.number("partial_rotary_factor", kPositive, 1.0));
  if (share != 1.0) return fields.wrong("partial_rotary_factor", "1; kerf cannot rotate part of a head yet");
  return Ok{};
}

}  // namespace

Result<RopeSpec> parse_rope(const JsonFields& config, std::string_view layer_type, double default_theta) {
  RopeSpec rope;
  KERF_TRY(const int64_t max_positions, config.integer("max_position_embeddings", kPositions));
  KERF_TRY_STATUS(check_unpartial(config));
  KERF_TRY(rope.theta, config.number("rope_theta", kPositive, default_theta));

  if (config.has("rope_parameters")) {
    KERF_TRY(JsonFields parameters, config.object("rope_parameters"));
    if (parameters.has(layer_type)) {
      KERF_TRY(parameters, parameters.object(layer_type));
    }
    KERF_TRY(rope.theta, parameters.number("rope_theta", kPositive, rope.theta));
    KERF_TRY_STATUS(check_unpartial(parameters));
    KERF_TRY_STATUS(parse_scaling(parameters, max_positions, rope));
  } else if (config.has("rope_scaling")) {
    KERF_TRY(const JsonFields scaling, config.object("rope_scaling"));
    KERF_TRY_STATUS(parse_scaling(scaling, max_positions, rope));
  }
  return rope;
}

int64_t scaled_positions(const RopeSpec& rope, int64_t max_positions) {
  if (rope.scaling != RopeSpec::Scaling::kYarn) return max_positions;
  const double scaled = rope.factor * static_cast<double>(rope.original_max_positions);
  return std::max(max_positions, static_cast<int64_t>(std::llround(scaled)));
}

}  // namespace kerf
