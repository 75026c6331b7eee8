// A sequence that a grammar guides: the same tokens under every plan, and valid ones.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "kerf/io/tokenizer/tokenizer.h"
#include "tests/support/replica.h"

namespace kerf {
namespace {

using testing::ReplicaOptions;
using testing::ReplicaRun;
using testing::run_replica;

const std::filesystem::path kModel = std::filesystem::path(KERF_MODELS_DIR) / "kerf-tales-7m";

TEST(GuidedReplica, TheCutDoesNotChangeTheTokensAndTheyAreValid) {
  const auto tokenizer = Tokenizer::load(kModel).value();
  std::vector<Request> requests;
  for (int64_t id = 0; id < 6; ++id) {
    requests.push_back({.id = id,
                        .prompt_ids = tokenizer->encode("Once upon a time"),
                        .params = {.seed = static_cast<uint64_t>(id),
                                   .logit_bias = {{20, 3.0F}},
                                   .min_tokens = 5,
                                   .grammar = R"(schema:{"type": "object", "properties": {
                                       "name": {"type": "string", "maxLength": 20},
                                       "age": {"type": "integer", "minimum": 1, "maximum": 99},
                                       "likes": {"type": "array", "items": {"enum": ["cake", "the sea"]}, "maxItems": 3}},
                                     "required": ["name", "age", "likes"]})",
                                   .max_tokens = 120}});
  }
  ReplicaOptions options;
  options.load_tokens = [&] { return Result<TokenTrie>(TokenTrie::of(*tokenizer)); };
  const ReplicaRun alone = run_replica(kModel, options, requests);
  for (const auto& [id, result] : alone.results) {
    EXPECT_EQ(result.error, "");
    const auto value = nlohmann::json::parse(tokenizer->decode(result.ids, true), nullptr, false);
    ASSERT_TRUE(value.is_object()) << tokenizer->decode(result.ids, true);
    EXPECT_LE(value["likes"].size(), 3U);
    EXPECT_LE(value["age"].get<int>(), 99);
  }
  for (const auto& [tp, pp] : {std::pair{2, 1}, {1, 2}, {3, 2}}) {
    options.plan = {.tp = tp, .pp = pp};
    const ReplicaRun cut = run_replica(kModel, options, requests);
    for (const auto& [id, result] : alone.results) EXPECT_EQ(cut.results.at(id).ids, result.ids) << tp << " x " << pp;
  }
}

}  // namespace
}  // namespace kerf
