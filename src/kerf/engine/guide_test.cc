#include "kerf/engine/guide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "kerf/engine/slot_sampler.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

// A vocabulary of bytes, some longer tokens, and an end-of-sequence token; 300 ids, of which the last have no token.
constexpr int64_t kVocab = 300;
constexpr int32_t kEos = 256;
std::vector<std::string> tokens() {
  std::vector<std::string> all;
  for (int byte = 0; byte < 256; ++byte) all.emplace_back(1, static_cast<char>(byte));
  all.emplace_back("");  // kEos
  for (const char* text : {"{\"", "\":", "\",\"", "\"}", "ab", "tru", "e}", "12", "[1,"}) all.emplace_back(text);
  return all;
}

SamplingVocabulary vocabulary() {
  return {.eos_ids = {kEos}, .load = [] { return Result<TokenTrie>(TokenTrie(tokens())); }};
}

// Logits of a model that likes letters, and quotes and brackets enough to come to an end.
std::vector<float> logits_at(int64_t position) {
  std::mt19937 random(static_cast<uint32_t>(position) * 31 + 5);
  std::vector<float> row(kVocab);
  for (float& x : row) x = static_cast<float>(random() % 1000) / 500;
  for (const char c : {'"', '}', ']'}) row[static_cast<size_t>(c)] += 3;
  row[kEos] = 5;
  return row;
}

const std::vector<int32_t> kPrompt = {1, 2, 3};
const std::vector<int32_t> kBlocks(64);

struct Output {
  std::vector<int32_t> ids;
  std::string text;
  std::string error;
};

// Runs one sequence until its end; the first `known` tokens are given, as to a replica that takes over.
Output run(SlotSampler& sampler, const SamplingParams& params, const std::vector<int32_t>& known = {},
           size_t max = 200) {
  Output output{.ids = known};
  std::vector<int32_t> next = kPrompt;
  next.insert(next.end(), known.begin(), known.end());
  int64_t position = 0;
  for (bool first = true; output.ids.size() < max; first = false) {
    Step step;
    if (first) step.started.push_back({.slot = 0, .request = 5, .prompt_tokens = 3, .params = params.for_sampler()});
    step.add_span(0, position, next, kBlocks, 64, LogitsWanted::kLast);
    position += static_cast<int64_t>(next.size());
    const OutputRow row = sampler.answer(step, logits_at(position)).rows[0];
    output.error = row.error;
    if (!row.error.empty()) break;
    output.ids.push_back(row.sampled.token);
    if (row.sampled.token == kEos && !params.ignore_eos) break;
    next = {row.sampled.token};
  }
  for (const int32_t id : output.ids) {
    if (static_cast<size_t>(id) < tokens().size()) output.text += tokens()[static_cast<size_t>(id)];
  }
  Step last;
  last.released = {0};
  (void)sampler.answer(last, {});
  return output;
}

TEST(Guide, TheOutputIsJsonAndEndsWhereItIsWhole) {
  SlotSampler sampler(1, kVocab, vocabulary());
  int ended = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Output output = run(sampler, {.seed = seed, .grammar = "json"});
    ASSERT_EQ(output.error, "");
    const bool whole = nlohmann::json::accept(output.text);
    EXPECT_EQ(output.ids.back() == kEos, whole) << output.text;
    ended += whole ? 1 : 0;
  }
  EXPECT_GT(ended, 50);
}

TEST(Guide, AStreamResumedFromItsTokensGoesOnAsItWould) {
  SlotSampler sampler(1, kVocab, vocabulary());
  const SamplingParams params{.seed = 4,
                              .grammar = R"(schema:{"type": "array", "items": {"type": "string", "maxLength": 9},
      "minItems": 5, "maxItems": 9})"};
  const Output whole = run(sampler, params);
  ASSERT_GT(whole.ids.size(), 15U);
  EXPECT_EQ(whole.ids.back(), kEos) << whole.text;
  for (size_t known = 1; known < whole.ids.size(); ++known) {
    SlotSampler other(1, kVocab, vocabulary());
    EXPECT_EQ(run(other, params, {whole.ids.begin(), whole.ids.begin() + static_cast<ptrdiff_t>(known)}).ids,
              whole.ids);
  }
}

TEST(Guide, GreedyTakesTheLikeliestOfTheAllowed) {
  SlotSampler sampler(1, kVocab, vocabulary());
  const Output output = run(sampler, {.temperature = 0, .grammar = R"(schema:{"enum": [true, 12]})"});
  EXPECT_TRUE(output.text == "true" || output.text == "12") << output.text;
}

TEST(Guide, MinTokensPutsTheEndOff) {
  SlotSampler sampler(1, kVocab, vocabulary());
  SamplingParams params{.temperature = 0};
  EXPECT_EQ(run(sampler, params).ids.size(), 1U) << "the end is the likeliest";
  params.min_tokens = 7;
  EXPECT_EQ(run(sampler, params).ids.size(), 8U);
  params.stop_token_ids = {'"', ']', '}'};
  const Output output = run(sampler, params);
  EXPECT_EQ(output.text.find_first_of("\"]}"), std::string::npos) << output.text;
  params = {.temperature = 0, .min_tokens = 50, .grammar = R"(schema:{"enum": [12]})"};
  EXPECT_EQ(run(sampler, params).error, "") << "where only the end is left it comes";
}

TEST(Guide, AfterTheEndOnlyTheEndMayCome) {
  SlotSampler sampler(1, kVocab, vocabulary());
  const Output output = run(sampler, {.grammar = R"(schema:{"enum": [12]})", .ignore_eos = true}, {}, 9);
  EXPECT_EQ(output.error, "");
  EXPECT_EQ(output.text, "12");
}

TEST(Guide, WhatCannotBeGuidedIsASentence) {
  SlotSampler sampler(1, kVocab, vocabulary());
  EXPECT_THAT(run(sampler, {.grammar = "yaml"}).error, HasSubstr("'yaml'"));
  EXPECT_THAT(run(sampler, {.grammar = "schema:{\"not\": {}}"}).error, HasSubstr("'not' at #"));
  EXPECT_THAT(run(sampler, {.grammar = "json"}, {'{', 'x'}).error, HasSubstr("token 1 of the output"));
  SlotSampler without(1, kVocab);
  EXPECT_THAT(run(without, {.grammar = "json"}).error, HasSubstr("tokenizer"));
  SlotSampler broken(1, kVocab, {.eos_ids = {}, .load = [] { return Result<TokenTrie>(Error{"m: no such file"}); }});
  EXPECT_THAT(run(broken, {.grammar = "json"}).error, HasSubstr("m: no such file"));
  SlotSampler endless(1, kVocab, {.eos_ids = {}, .load = vocabulary().load});
  EXPECT_THAT(run(endless, {.grammar = R"(schema:{"enum": [12]})"}).error, HasSubstr("no token to go on with"));
}

TEST(Grammars, KeepTheLatestAndShareThem) {
  int loads = 0;
  Grammars grammars([&] {
    ++loads;
    return Result<TokenTrie>(TokenTrie(tokens()));
  });
  const auto first = grammars.find("json").value();
  EXPECT_EQ(grammars.find("json").value(), first);
  for (int i = 0; i < 15; ++i) (void)grammars.find("schema:{\"enum\": [" + std::to_string(i) + "]}").value();
  EXPECT_EQ(grammars.find("json").value(), first);
  for (int i = 20; i < 40; ++i) (void)grammars.find("schema:{\"enum\": [" + std::to_string(i) + "]}").value();
  EXPECT_NE(grammars.find("json").value(), first);
  EXPECT_EQ(loads, 1);
}

}  // namespace
}  // namespace kerf
