#include "kerf/io/generation_config.h"

#include <gmock/gmock.h>

#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

using testing::error_of;

Result<GenerationDefaults> parse(std::string_view text) { return parse_generation_defaults(text, "g.json"); }

TEST(GenerationConfig, ReadsWhatIsThere) {
  const auto defaults = parse(R"({"do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": 20, "min_p": 0.05,
                                  "repetition_penalty": 1.05, "eos_token_id": [3, 2], "bos_token_id": 1})");
  ASSERT_TRUE(defaults.ok()) << defaults.error().message;
  EXPECT_EQ(defaults->do_sample, true);
  EXPECT_EQ(defaults->temperature, 0.6);
  EXPECT_EQ(defaults->top_p, 0.9);
  EXPECT_EQ(defaults->top_k, 20);
  EXPECT_EQ(defaults->min_p, 0.05);
  EXPECT_EQ(defaults->repetition_penalty, 1.05);
  EXPECT_EQ(defaults->eos_ids, (std::vector<int32_t>{3, 2}));
  EXPECT_EQ(defaults->bos_id, 1);
}

TEST(GenerationConfig, SaysNothingWhereTheFileDoesNot) {
  const auto defaults = parse(R"({"temperature": null})");
  ASSERT_TRUE(defaults.ok());
  EXPECT_FALSE(defaults->temperature || defaults->top_p || defaults->top_k || defaults->do_sample);
  const testing::TempDir empty;
  EXPECT_TRUE(load_generation_defaults(empty.path()).ok());
}

TEST(GenerationConfig, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(error_of(parse(R"({"top_p": 1.5})")), "g.json: 'top_p' is 1.5; expected a number from 0 to 1");
  EXPECT_EQ(error_of(parse(R"({"temperature": -1})")), "g.json: 'temperature' is -1; expected a number from 0 to 1000");
  EXPECT_EQ(error_of(parse(R"({"do_sample": 1})")), "g.json: 'do_sample' is 1; expected true or false");
  EXPECT_EQ(error_of(parse(R"({"eos_token_id": "</s>"})")),
            "g.json: 'eos_token_id' is '</s>'; expected a token id >= 0, or a list of them");
}

}  // namespace
}  // namespace kerf
