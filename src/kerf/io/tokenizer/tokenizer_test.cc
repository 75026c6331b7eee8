#include "kerf/io/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
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
  document["post_processor"] = {
      {"type", "Sequence"},
      {"processors", json::array({document["post_processor"], json{{"type", "ByteLevel"}},
                                  json{{"type", "RobertaProcessing"}, {"cls", {"<unk>", 0}}, {"sep", {"</s>", 2}}}})}};
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
  document["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "first"}, {"split", false}};
  const auto tokenizer = tokenizer_of(document);
  EXPECT_THAT(tokenizer->encode("a</s>a a"), ElementsAre(1, 264, 2, 260, 264));
  EXPECT_THAT(tokenizer->encode("</s>a"), ElementsAre(1, 2, 260));
}

TEST(Tokenizer, NormalizedTokensAreFoundInNormalText) {
  json document = byte_level_json();
  document["normalizer"] = {{"type", "Lowercase"}};
  document["added_tokens"].push_back({{"id", 900}, {"content", "<Think>"}, {"special", false}, {"normalized", true}});
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
  for (auto& ids : found) threads.emplace_back([&] { ids = tokenizer->encode("hello hello world"); });
  for (auto& thread : threads) thread.join();
  for (const auto& ids : found) EXPECT_EQ(ids, expected);
}

// What a damaged or hostile file is told: one sentence with the file and the field.
struct Damage {
  const char* name;
  std::function<void(json&)> apply;
  const char* complaint;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

class DamagedTokenizer : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedTokenizer, IsRefusedInOneSentence) {
  json document = sentencepiece_json();
  GetParam().apply(document);
  const auto tokenizer = Tokenizer::from_json(document.dump(), "dir/tokenizer.json");
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_THAT(tokenizer.error().message, HasSubstr(GetParam().complaint));
  EXPECT_THAT(tokenizer.error().message, HasSubstr("dir/tokenizer.json: "));
}

INSTANTIATE_TEST_SUITE_P(
    Each, DamagedTokenizer,
    ::testing::Values(
        Damage{"not_an_object", [](json& d) { d = json::array(); }, "model is missing"},
        Damage{"no_model", [](json& d) { d.erase("model"); }, "model is missing"},
        Damage{"unigram", [](json& d) { d["model"]["type"] = "Unigram"; }, "model.type is \"Unigram\""},
        Damage{"no_vocab", [](json& d) { d["model"].erase("vocab"); }, "model.vocab is missing"},
        Damage{"vocab_type", [](json& d) { d["model"]["vocab"] = json::array(); }, "model.vocab must be an object"},
        Damage{"negative_id", [](json& d) { d["model"]["vocab"]["q"] = -1; }, "gives \"q\" the id -1"},
        Damage{"huge_id", [](json& d) { d["model"]["vocab"]["q"] = 1ULL << 40; }, "gives \"q\" the id 1099511627776"},
        Damage{"fraction", [](json& d) { d["model"]["vocab"]["q"] = 1.5; }, "gives \"q\" the id 1.5"},
        Damage{"duplicate_id", [](json& d) { d["model"]["vocab"]["q"] = 1; }, "gives the id 1 to both"},
        Damage{"merges_type", [](json& d) { d["model"]["merges"] = 3; }, "model.merges must be an array"},
        Damage{"merge_shape", [](json& d) { d["model"]["merges"][0] = "a b c"; }, "model.merges [0] must be two"},
        Damage{"merge_unknown", [](json& d) { d["model"]["merges"][1] = "a q"; }, "\"q\", which model.vocab lacks"},
        Damage{"merge_result", [](json& d) { d["model"]["merges"][1] = "a b"; }, "\"ab\", which model.vocab lacks"},
        Damage{"unk", [](json& d) { d["model"]["unk_token"] = "q"; }, "model.unk_token is \"q\""},
        Damage{"suffix", [](json& d) { d["model"]["end_of_word_suffix"] = "</w>"; }, "model.end_of_word_suffix"},
        Damage{"flag", [](json& d) { d["model"]["byte_fallback"] = "yes"; }, "model.byte_fallback must be true or"},
        Damage{"added_id", [](json& d) { d["added_tokens"][0]["id"] = -3; }, "added_tokens[0].id is -3"},
        Damage{"added_content", [](json& d) { d["added_tokens"][1]["content"] = 1; },
               "added_tokens[1].content must be"},
        Damage{"added_twice",
               [](json& d) {
                 d["added_tokens"].push_back({{"id", 2}, {"content", "<x>"}});
               },
               "is 2, which another"},
        Damage{"normalizer",
               [](json& d) {
                 d["normalizer"] = {{"type", "Precompiled"}};
               },
               "normalizer is a \"Pre"},
        Damage{"pattern", [](json& d) { d["normalizer"]["normalizers"][1]["pattern"] = " "; },
               "normalizer.normalizers[1].pattern must be {\"String\""},
        Damage{"regex",
               [](json& d) {
                 d["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "("}}}, {"behavior", "Isolated"}};
               },
               "pre_tokenizer.pattern.Regex does not compile"},
        Damage{"behavior",
               [](json& d) {
                 d["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "."}}}, {"behavior", "Often"}};
               },
               "pre_tokenizer.behavior is \"Often\""},
        Damage{"template", [](json& d) { d["post_processor"]["single"] = json::array(); },
               "post_processor.single has no"},
        Damage{"template_id", [](json& d) { d["post_processor"]["special_tokens"]["<s>"]["ids"] = {7777}; },
               "adds the id 7777"},
        Damage{"decoder",
               [](json& d) {
                 d["decoder"] = {{"type", "CTC"}};
               },
               "decoder is a \"CTC\""},
        Damage{"decoder_order",
               [](json& d) {
                 d["decoder"]["decoders"].push_back({{"type", "ByteFallback"}});
               },
               "follows a decoder"},
        Damage{"deep",
               [](json& d) {
                 json inner = {{"type", "Fuse"}};
                 for (int i = 0; i < 100; ++i) inner = {{"type", "Sequence"}, {"decoders", json::array({inner})}};
                 d["decoder"] = inner;
               },
               "nested more than"}),
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
