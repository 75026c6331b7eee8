// Real tokenizers against the ids that other implementations give.
#include "tests/support/conformance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "kerf/io/tokenizer/detokenizer.h"
#include "kerf/io/tokenizer/tokenizer.h"
#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

using testing::conformance_dir;
using testing::read_file;

std::unique_ptr<Tokenizer> load(const std::filesystem::path& dir) {
  auto tokenizer = Tokenizer::load(dir);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  return tokenizer.ok() ? std::move(*tokenizer) : nullptr;
}

// A model directory that holds nothing but `file` under the name tokenizer.model.
class OnlySentencePiece {
 public:
  explicit OnlySentencePiece(const std::filesystem::path& file) {
    std::filesystem::create_directories(dir_);
    std::filesystem::create_symlink(std::filesystem::absolute(file), dir_ / "tokenizer.model");
  }
  ~OnlySentencePiece() { std::filesystem::remove_all(dir_); }
  OnlySentencePiece(const OnlySentencePiece&) = delete;
  OnlySentencePiece& operator=(const OnlySentencePiece&) = delete;
  const std::filesystem::path& dir() const { return dir_; }

 private:
  std::filesystem::path dir_ = std::filesystem::path(::testing::TempDir()) /
                               ("kerf_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) +
                                std::to_string(reinterpret_cast<uintptr_t>(this)));
};

// Texts separated by llama.cpp's marker line, and a line of ids for each.
void expect_vectors(const Tokenizer& tokenizer, const std::string& name) {
  const auto dir = conformance_dir() / "tokenizers/vectors";
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  const std::string texts = read_file(dir / ("ggml-vocab-" + name + ".gguf.inp"));
  std::istringstream lines(read_file(dir / ("ggml-vocab-" + name + ".gguf.out")));
  size_t begin = 0;
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const size_t end = texts.find(kSeparator, begin);
    ASSERT_NE(end, std::string::npos);
    const std::string text = texts.substr(begin, end - begin);
    begin = end + kSeparator.size();
    std::istringstream numbers(line);
    const std::vector<int32_t> expected{std::istream_iterator<int32_t>(numbers), {}};
    const std::vector<int32_t> ids = tokenizer.encode(text, {.add_special_tokens = false, .parse_special = false});
    EXPECT_THAT(ids, ::testing::ElementsAreArray(expected)) << text;
    EXPECT_EQ(tokenizer.decode(ids, false), text);
  }
  EXPECT_GE(count, 40);
  EXPECT_GE(begin, texts.size());
}

TEST(TokenizerConformance, Llama3Vectors) {
  KERF_REQUIRE_CONFORMANCE("tokenizers/llama3/tokenizer.json");
  expect_vectors(*load(conformance_dir() / "tokenizers/llama3"), "llama-bpe");
}

TEST(TokenizerConformance, QwenVectors) {
  KERF_REQUIRE_CONFORMANCE("tokenizers/qwen3/tokenizer.json");
  expect_vectors(*load(conformance_dir() / "tokenizers/qwen3"), "qwen2");
}

TEST(TokenizerConformance, Llama2Vectors) {
  KERF_REQUIRE_CONFORMANCE("tokenizers/llama2/tokenizer.json");
  expect_vectors(*load(conformance_dir() / "tokenizers/llama2"), "llama-spm");
}

TEST(TokenizerConformance, Llama2VectorsThroughSentencePiece) {
  KERF_REQUIRE_CONFORMANCE("tokenizers/llama2/tokenizer.model");
  const OnlySentencePiece model(conformance_dir() / "tokenizers/llama2/tokenizer.model");
  expect_vectors(*load(model.dir()), "llama-spm");
}

TEST(TokenizerConformance, Stories260K) {
  KERF_REQUIRE_CONFORMANCE("models/stories260K/tokenizer_golden.json");
  const auto dir = conformance_dir() / "models/stories260K";
  const auto tokenizer = load(dir);
  for (const auto& item : nlohmann::json::parse(read_file(dir / "tokenizer_golden.json"))) {
    const auto text = item.at("text").get<std::string>();
    const auto ids = item.at("ids").get<std::vector<int32_t>>();
    EXPECT_THAT(tokenizer->encode(text), ::testing::ElementsAreArray(ids)) << text;
    EXPECT_EQ(tokenizer->decode(ids, true), item.at("decoded").get<std::string>());
  }
}

TEST(TokenizerConformance, EveryModelLoads) {
  KERF_REQUIRE_CONFORMANCE("models");
  for (const auto& entry : std::filesystem::directory_iterator(conformance_dir() / "models")) {
    if (!entry.is_directory()) continue;
    const auto tokenizer = load(entry.path());
    ASSERT_NE(tokenizer, nullptr) << entry.path();
    EXPECT_THAT(tokenizer->bos_id(), ::testing::Optional(1));
    EXPECT_EQ(tokenizer->decode(tokenizer->encode("Once upon a time"), true), "Once upon a time");
  }
}

TEST(TokenizerConformance, EveryMistralModelLoads) {
  KERF_REQUIRE_CONFORMANCE("tokenizers/mistral");
  for (const auto& entry : std::filesystem::directory_iterator(conformance_dir() / "tokenizers/mistral")) {
    const OnlySentencePiece model(entry.path());
    const auto tokenizer = load(model.dir());
    ASSERT_NE(tokenizer, nullptr) << entry.path();
    const auto ids = tokenizer->encode("Hello, wörld 你好 🦙");
    EXPECT_EQ(ids.front(), tokenizer->bos_id());
    EXPECT_EQ(tokenizer->decode(ids, true), "Hello, wörld 你好 🦙");
  }
}

TEST(TokenizerConformance, SentencePieceAndJsonAgreeOnABook) {
  KERF_REQUIRE_CONFORMANCE("tokenizers/llama2/tokenizer.model");
  KERF_REQUIRE_CONFORMANCE("text/tinyshakespeare/input.txt");
  const std::string text = read_file(conformance_dir() / "text/tinyshakespeare/input.txt").substr(0, 200000);
  const OnlySentencePiece model(conformance_dir() / "tokenizers/llama2/tokenizer.model");
  EXPECT_EQ(load(conformance_dir() / "tokenizers/llama2")->encode(text), load(model.dir())->encode(text));
}

TEST(TokenizerConformance, SentencePieceAndJsonAgreeOnRandomText) {
  KERF_REQUIRE_CONFORMANCE("tokenizers/llama2/tokenizer.model");
  const OnlySentencePiece model(conformance_dir() / "tokenizers/llama2/tokenizer.model");
  const auto through_json = load(conformance_dir() / "tokenizers/llama2");
  const auto through_model = load(model.dir());
  constexpr std::u32string_view kCharacters = U"   aethsinor\n\t.,</>1é▁你🦙\u0301\u200d\u00a0\u3000";
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (size_t left = random() % 24; left > 0; --left) append_utf8(text, kCharacters[random() % kCharacters.size()]);
    const auto ids = through_json->encode(text);
    ASSERT_EQ(through_model->encode(text), ids) << text;
    ASSERT_EQ(through_model->decode(ids, true), through_json->decode(ids, true)) << text;
  }
}

TEST(TokenizerConformance, BooksSurviveTheRoundTripTokenByToken) {
  KERF_REQUIRE_CONFORMANCE("text/tinyshakespeare/input.txt");
  const std::string text = read_file(conformance_dir() / "text/tinyshakespeare/input.txt").substr(0, 200000);
  for (const char* name : {"llama2", "llama3", "qwen3"}) {
    const auto tokenizer = load(conformance_dir() / "tokenizers" / name);
    Detokenizer stream(*tokenizer, true);
    std::string streamed;
    for (const int32_t id : tokenizer->encode(text)) streamed += stream.push(id);
    EXPECT_EQ(streamed + stream.flush(), text) << name;
  }
}

}  // namespace
}  // namespace kerf
