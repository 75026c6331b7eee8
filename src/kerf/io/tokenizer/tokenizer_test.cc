#include "kerf/io/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "kerf/io/tokenizer/fixtures_for_test.h"

namespace kerf {
namespace {

using testing::byte_level_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json;
using testing::sentencepiece_json;
using testing::tokenizer_of;

TEST(Tokenizer, TheTemplateFramesATextUnlessToldNot) {
  const auto tokenizer = tokenizer_of(sentencepiece_json());
  EXPECT_THAT(tokenizer->encode("a"), ElementsAre(1, 264));
  EXPECT_THAT(tokenizer->encode("a", {.add_special_tokens = false}), ElementsAre(264));
  EXPECT_THAT(tokenizer->encode(""), ElementsAre(1));
}

TEST(Tokenizer, PostProcessorsNest) {
  json document = sentencepiece_json();
  json nested = json::parse(R"({"type": "Sequence", "processors": [null, {"type": "ByteLevel"},
                                {"type": "RobertaProcessing", "cls": ["<unk>", 0], "sep": ["</s>", 2]}]})");
  nested["processors"][0] = document["post_processor"];
  document["post_processor"] = nested;
  EXPECT_THAT(tokenizer_of(document)->encode("a"), ElementsAre(0, 1, 264, 2));
}

TEST(Tokenizer, TheConfigurationDecidesBosAndEos) {
  const auto with = [](const char* config) { return tokenizer_of(sentencepiece_json(), config); };
  const auto tokenizer = with(R"({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "add_eos_token": true})");
  EXPECT_THAT(tokenizer->bos_id(), ::testing::Optional(1));
  EXPECT_THAT(tokenizer->eos_id(), ::testing::Optional(2));
  EXPECT_THAT(tokenizer->encode("a"), ElementsAre(1, 264, 2));
  EXPECT_THAT(with(R"({"bos_token": "<s>", "add_bos_token": false})")->encode("a"), ElementsAre(264));
  EXPECT_THAT(with(R"({"bos_token": "<s>", "add_bos_token": true})")->encode("a"), ElementsAre(1, 264));
  EXPECT_EQ(with(R"({"bos_token": null})")->bos_id(), std::nullopt);
}

TEST(Tokenizer, SpecialTokensInATextAreTokensOnlyIfAsked) {
  const auto tokenizer = tokenizer_of(byte_level_json());
  EXPECT_THAT(tokenizer->encode("<|end|>"), ElementsAre(*tokenizer->id_of("<|end|>")));
  EXPECT_EQ(tokenizer->encode("<|end|>", {.parse_special = false}).size(), 7U);
  EXPECT_THAT(tokenizer->encode("<tool>", {.parse_special = false}), ElementsAre(*tokenizer->id_of("<tool>")));
}

// "Prepend" goes before every stretch of text, as in the Llama-2 tokenizer of the Hugging Face library.
TEST(Tokenizer, TextAfterASpecialTokenGetsItsSpace) {
  EXPECT_THAT(tokenizer_of(sentencepiece_json())->encode("a</s>a"), ElementsAre(1, 264, 2, 264));
}

TEST(Tokenizer, MetaspaceFirstMarksOnlyTheStart) {
  json document = sentencepiece_json();
  document["normalizer"] = nullptr;
  document["pre_tokenizer"] =
      json::parse(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false})");
  const auto tokenizer = tokenizer_of(document);
  EXPECT_THAT(tokenizer->encode("a</s>a a"), ElementsAre(1, 264, 2, 260, 264));
  EXPECT_THAT(tokenizer->encode("</s>a"), ElementsAre(1, 2, 260));
}

TEST(Tokenizer, NormalizedTokensAreFoundInNormalText) {
  json document = byte_level_json();
  document["normalizer"] = json::parse(R"({"type": "Lowercase"})");
  document["added_tokens"].push_back(
      json::parse(R"({"id": 900, "content": "<Think>", "special": false, "normalized": true})"));
  EXPECT_THAT(tokenizer_of(document)->encode("<THINK>x"), ElementsAre(900, 'x'));
}

TEST(Tokenizer, KnowsItsTokens) {
  const auto tokenizer = tokenizer_of(byte_level_json());
  EXPECT_EQ(tokenizer->vocab_size(), 264);
  EXPECT_EQ(tokenizer->id_of("Ġw"), 260);
  EXPECT_EQ(tokenizer->id_of("nothing"), std::nullopt);
  EXPECT_EQ(tokenizer->token_bytes(260), " w");
  EXPECT_EQ(tokenizer->token_bytes(0xC3), "\xC3");
  EXPECT_EQ(tokenizer->token_bytes(-1), "");
  EXPECT_TRUE(tokenizer->is_special(262));
  EXPECT_FALSE(tokenizer->is_special(263));
  EXPECT_FALSE(tokenizer->is_special(-5));
}

TEST(Tokenizer, ManyThreadsAgree) {
  const auto tokenizer = tokenizer_of(byte_level_json());
  const auto expected = tokenizer->encode("hello hello world");
  std::vector<std::vector<int32_t>> found(4);
  std::vector<std::thread> threads;
  threads.reserve(found.size());
  for (auto& ids : found) threads.emplace_back([&] { ids = tokenizer->encode("hello hello world"); });
  for (auto& thread : threads) thread.join();
  for (const auto& ids : found) EXPECT_EQ(ids, expected);
}

// What a damaged or hostile file is told: one sentence with the file and the field.
struct Damage {
  const char* name;
  const char* place;  // JSON pointer
  const char* value;  // what is put there
  const char* complaint;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

class DamagedTokenizer : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedTokenizer, IsRefusedInOneSentence) {
  json document = sentencepiece_json();
  document[json::json_pointer(GetParam().place)] = json::parse(GetParam().value);
  const auto tokenizer = Tokenizer::from_json(document.dump(), "dir/tokenizer.json");
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_THAT(tokenizer.error().message, HasSubstr(GetParam().complaint));
  EXPECT_THAT(tokenizer.error().message, HasSubstr("dir/tokenizer.json: "));
}

INSTANTIATE_TEST_SUITE_P(
    Each, DamagedTokenizer,
    ::testing::ValuesIn<Damage>(
        {{"not_an_object", "", R"([])", "model is missing"},
         {"no_model", "/model", R"(null)", "model is missing"},
         {"unigram", "/model/type", R"("Unigram")", "model.type is \"Unigram\""},
         {"no_vocab", "/model/vocab", R"(null)", "model.vocab is missing"},
         {"vocab_type", "/model/vocab", R"([])", "model.vocab must be an object"},
         {"negative_id", "/model/vocab/q", R"(-1)", "gives \"q\" the id -1"},
         {"huge_id", "/model/vocab/q", R"(1099511627776)", "gives \"q\" the id 1099511627776"},
         {"fraction", "/model/vocab/q", R"(1.5)", "gives \"q\" the id 1.5"},
         {"duplicate_id", "/model/vocab/q", R"(1)", "gives the id 1 to both"},
         {"merges_type", "/model/merges", R"(3)", "model.merges must be an array"},
         {"merge_shape", "/model/merges/0", R"("a b c")", "model.merges [0] must be two"},
         {"merge_unknown", "/model/merges/1", R"("a q")", "\"q\", which model.vocab lacks"},
         {"merge_result", "/model/merges/1", R"("a b")", "\"ab\", which model.vocab lacks"},
         {"unk", "/model/unk_token", R"("q")", "model.unk_token is \"q\""},
         {"suffix", "/model/end_of_word_suffix", R"("</w>")", "model.end_of_word_suffix"},
         {"flag", "/model/byte_fallback", R"("yes")", "model.byte_fallback must be true or"},
         {"added_id", "/added_tokens/0/id", R"(-3)", "added_tokens[0].id is -3"},
         {"added_content", "/added_tokens/1/content", R"(1)", "added_tokens[1].content must be"},
         {"added_twice", "/added_tokens/-", R"({"id": 2, "content": "<x>"})", "is 2, which another"},
         {"normalizer", "/normalizer/type", R"("Precompiled")", "normalizer is a \"Precompiled\""},
         {"pattern", "/normalizer/normalizers/1/pattern", R"(" ")",
          "normalizer.normalizers[1].pattern must be {\"String\""},
         {"regex", "/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"})",
          "pre_tokenizer.pattern.Regex does not compile"},
         {"behavior", "/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "."}, "behavior": "Often"})",
          "pre_tokenizer.behavior is \"Often\""},
         {"template_text", "/post_processor/single", R"([])", "post_processor.single has no"},
         {"template_id", "/post_processor/special_tokens/<s>/ids", R"([7777])", "adds the id 7777"},
         {"decoder", "/decoder/type", R"("CTC")", "decoder is a \"CTC\""},
         {"decoder_order", "/decoder/decoders/-", R"({"type": "ByteFallback"})", "follows a decoder"}}),
    [](const auto& damage) { return std::string(damage.param.name); });

TEST(Tokenizer, BrokenJsonIsRefusedWithItsPlace) {
  const auto complaint = [](const std::string& text) { return Tokenizer::from_json(text, "t.json").error().message; };
  EXPECT_THAT(complaint(""), HasSubstr("t.json: not valid JSON"));
  EXPECT_THAT(complaint(R"({"model": )"), HasSubstr("at byte"));
  EXPECT_THAT(complaint(std::string(1'000'000, '[')), HasSubstr("nested"));
  EXPECT_THAT(complaint("{\"a\": \"\xFF\"}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(complaint("[1e999]"), HasSubstr("not valid JSON"));
  const auto config = Tokenizer::from_json(sentencepiece_json().dump(), "t.json", R"({"bos_token": 1})");
  EXPECT_THAT(config.error().message, HasSubstr("tokenizer_config.json: bos_token must be a string"));
}

TEST(Tokenizer, AnEmptyDirectoryIsToldWhatItLacks) {
  const auto dir = std::filesystem::path(::testing::TempDir()) / "kerf_no_tokenizer";
  std::filesystem::create_directories(dir);
  EXPECT_THAT(Tokenizer::load(dir).error().message, HasSubstr("neither tokenizer.json nor tokenizer.model"));
}

TEST(Tokenizer, EmptyVocabularyEncodesToNothing) {
  const auto tokenizer = tokenizer_of(json::parse(R"({"model": {"vocab": {}, "merges": []}})"));
  EXPECT_THAT(tokenizer->encode("some text"), IsEmpty());
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{0, 1}, false), "");
}

}  // namespace
}  // namespace kerf
