#include "kerf/io/rope_config.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/errors.h"

namespace kerf {
namespace {

using nlohmann::json;
using testing::error_of;
using ::testing::HasSubstr;

Result<RopeSpec> parse(const json& config, std::string_view layer_type = "full_attention") {
  return parse_rope(JsonFields::of(config, "config.json").value(), layer_type, 10000.0);
}

// With the given rope_scaling, in a model of 4096 positions.
Result<RopeSpec> scaled(const json& scaling) {
  return parse({{"max_position_embeddings", 4096}, {"rope_theta", 5e5}, {"rope_scaling", scaling}});
}

RopeSpec rope_of(const Result<RopeSpec>& rope) {
  EXPECT_TRUE(rope.ok()) << rope.error().message;
  return rope.ok() ? rope.value() : RopeSpec{};
}

TEST(RopeConfig, ScalesNothingByDefault) {
  EXPECT_EQ(rope_of(scaled(nullptr)), (RopeSpec{.theta = 5e5}));
  EXPECT_EQ(rope_of(scaled({{"rope_type", "default"}})), (RopeSpec{.theta = 5e5}));
  EXPECT_EQ(rope_of(parse({{"max_position_embeddings", 1}})), RopeSpec{});
}

TEST(RopeConfig, ReadsLinear) {
  const RopeSpec expected{.theta = 5e5, .scaling = RopeSpec::Scaling::kLinear, .factor = 2};
  EXPECT_EQ(rope_of(scaled({{"rope_type", "linear"}, {"factor", 2}})), expected);
  EXPECT_EQ(rope_of(scaled({{"type", "linear"}, {"factor", 2}})), expected);  // the old spelling
  EXPECT_EQ(error_of(scaled({{"type", "linear"}, {"factor", 0.5}})),
            "config.json: rope_scaling: 'factor' is 0.5; expected a number >= 1");
}

TEST(RopeConfig, ReadsLlama3) {
  json scaling = {{"rope_type", "llama3"},
                  {"factor", 8.0},
                  {"low_freq_factor", 1.5},
                  {"high_freq_factor", 4.5},
                  {"original_max_position_embeddings", 512}};
  EXPECT_EQ(rope_of(scaled(scaling)), (RopeSpec{.theta = 5e5,
                                                .scaling = RopeSpec::Scaling::kLlama3,
                                                .factor = 8,
                                                .original_max_positions = 512,
                                                .low_freq_factor = 1.5,
                                                .high_freq_factor = 4.5}));
  scaling["high_freq_factor"] = 1.5;
  EXPECT_EQ(error_of(scaled(scaling)),
            "config.json: rope_scaling: 'high_freq_factor' is 1.5; expected more than low_freq_factor");
  scaling.erase("low_freq_factor");
  EXPECT_THAT(error_of(scaled(scaling)), HasSubstr("'low_freq_factor' is missing"));
}

TEST(RopeConfig, ReadsYarn) {
  json scaling = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 2048}};
  const RopeSpec rope = rope_of(scaled(scaling));
  EXPECT_EQ(rope.factor, 4.0);  // as stated, not 4096 / 2048
  EXPECT_EQ(rope.original_max_positions, 2048);
  EXPECT_EQ(rope.beta_fast, 32);
  EXPECT_EQ(rope.beta_slow, 1);
  EXPECT_DOUBLE_EQ(rope.attention_factor, 0.1 * std::log(4.0) + 1.0);
  EXPECT_EQ(scaled_positions(rope, 4096), 8192);
  EXPECT_EQ(scaled_positions(rope, 10000), 10000);

  scaling.erase("factor");
  EXPECT_EQ(rope_of(scaled(scaling)).factor, 2.0);
  scaling.erase("original_max_position_embeddings");
  EXPECT_THAT(error_of(scaled(scaling)), HasSubstr("'factor' is missing"));
}

TEST(RopeConfig, ReadsYarnAttentionFactors) {
  json scaling = {{"type", "yarn"}, {"factor", 10.0}, {"mscale", 0.5}, {"mscale_all_dim", 2.0}};
  const double log = std::log(10.0);
  EXPECT_DOUBLE_EQ(rope_of(scaled(scaling)).attention_factor, (0.05 * log + 1) / (0.2 * log + 1));
  EXPECT_EQ(rope_of(scaled(scaling)).original_max_positions, 4096);
  scaling["attention_factor"] = 1.25;
  EXPECT_EQ(rope_of(scaled(scaling)).attention_factor, 1.25);
}

TEST(RopeConfig, RefusesWhatItCannotRotate) {
  EXPECT_EQ(error_of(scaled({{"type", "longrope"}, {"factor", 4}})),
            "config.json: rope_scaling: 'type' is 'longrope'; expected default, linear, llama3 or yarn; kerf knows no "
            "other rope scaling yet");
  EXPECT_THAT(error_of(scaled({{"rope_type", "su"}})), HasSubstr("'rope_type' is 'su'"));
  EXPECT_EQ(error_of(scaled("yarn")), "config.json: 'rope_scaling' is 'yarn'; expected an object {...}");
  EXPECT_EQ(error_of(parse({{"max_position_embeddings", 8}, {"partial_rotary_factor", 0.75}})),
            "config.json: 'partial_rotary_factor' is 0.75; expected 1; kerf cannot rotate part of a head yet");
}

TEST(RopeConfig, ReadsTransformers5) {
  const json flat = {{"max_position_embeddings", 8},
                     {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 7e4}}}};
  EXPECT_EQ(rope_of(parse(flat)), RopeSpec{.theta = 7e4});
  EXPECT_EQ(rope_of(parse({{"max_position_embeddings", 8}, {"rope_parameters", {{"rope_theta", 7e4}}}})),
            RopeSpec{.theta = 7e4});

  const json nested = {{"max_position_embeddings", 8},
                       {"rope_parameters",
                        {{"full_attention", {{"rope_type", "linear"}, {"factor", 8}, {"rope_theta", 1e6}}},
                         {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 1e4}}}}}};
  EXPECT_EQ(rope_of(parse(nested)), (RopeSpec{.theta = 1e6, .scaling = RopeSpec::Scaling::kLinear, .factor = 8}));
  EXPECT_EQ(rope_of(parse(nested, "sliding_attention")), RopeSpec{.theta = 1e4});
}

}  // namespace
}  // namespace kerf
