#include "kerf/io/tokenizer/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "kerf/io/tokenizer/fixtures_for_test.h"
#include "kerf/io/tokenizer/merge_symbols.h"

namespace kerf {
namespace {

using testing::byte_level_json;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::json;
using testing::sentencepiece_json;
using testing::tokenizer_of;
using testing::tokens_of;

constexpr EncodeOptions kPlain{.add_special_tokens = false};

// The definition, in quadratic time.
std::vector<int32_t> merge_naively(const std::map<std::pair<int32_t, int32_t>, Merge>& merges,
                                   std::vector<int32_t> ids) {
  while (true) {
    const Merge* best = nullptr;
    size_t at = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = merges.find({ids[i], ids[i + 1]});
      if (found == merges.end() || (best != nullptr && best->rank <= found->second.rank)) continue;
      best = &found->second;
      at = i;
    }
    if (best == nullptr) return ids;
    ids[at] = best->result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(Bpe, TheHeapMergesAsTheDefinitionDoes) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::map<std::pair<int32_t, int32_t>, Merge> merges;
    MergeTable table(60);
    for (uint32_t rank = 0; rank < 60; ++rank) {
      // Results repeat and may be symbols of the text: the worst that a file can ask for.
      const std::pair<int32_t, int32_t> pair(random() % 8, random() % 8);
      const Merge merge{rank, static_cast<int32_t>(random() % 12)};
      if (!merges.emplace(pair, merge).second) continue;
      table.set(pair.first, pair.second, merge);
    }
    std::vector<int32_t> ids(random() % 40);
    for (int32_t& id : ids) id = static_cast<int32_t>(random() % 6);
    const std::vector<int32_t> expected = merge_naively(merges, ids);
    MergeWork work;
    merge_symbols(table, work, ids);
    ASSERT_THAT(ids, ElementsAreArray(expected)) << round;
  }
}

TEST(Bpe, MergesByRankNotByLength) {
  const auto tokenizer = tokenizer_of(byte_level_json());
  EXPECT_THAT(tokens_of(*tokenizer, tokenizer->encode("hello world")), ElementsAre("hello", " wo", "r", "l", "d"));
}

TEST(Bpe, MergesAsPairsMeanTheSame) {
  json document = byte_level_json();
  json pairs = json::array();
  for (const auto& merge : document["model"]["merges"]) {
    const auto text = merge.get<std::string>();
    pairs.push_back({text.substr(0, text.find(' ')), text.substr(text.find(' ') + 1)});
  }
  const auto expected = tokenizer_of(document)->encode("hello world");
  document["model"]["merges"] = pairs;
  EXPECT_EQ(tokenizer_of(document)->encode("hello world"), expected);
}

TEST(Bpe, IgnoreMergesTakesWholeWordsFirst) {
  json document = byte_level_json();
  document["model"]["vocab"]["Ġworld"] = 1000;  // no merge makes it
  EXPECT_EQ(tokenizer_of(document)->encode(" world").size(), 4U);
  document["model"]["ignore_merges"] = true;
  EXPECT_THAT(tokenizer_of(document)->encode(" world"), ElementsAre(1000));
}

TEST(Bpe, ByteLevelCarriesAnyBytes) {
  const auto tokenizer = tokenizer_of(byte_level_json());
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  std::string round_trip;
  for (const int32_t id : tokenizer->encode(every_byte)) round_trip += tokenizer->token_bytes(id);
  EXPECT_EQ(round_trip, every_byte);
}

TEST(Bpe, FallsBackToBytes) {
  const auto tokenizer = tokenizer_of(sentencepiece_json());
  const std::vector<int32_t> ids = tokenizer->encode("a\xC3\xB1\xFF", kPlain);  // ñ is not in the vocabulary
  EXPECT_THAT(tokens_of(*tokenizer, ids), ElementsAre(" a", "\xC3", "\xB1", "\xFF"));
}

TEST(Bpe, UnknownCharactersFuseIfAsked) {
  json document = sentencepiece_json();
  document["model"]["byte_fallback"] = false;
  EXPECT_THAT(tokenizer_of(document)->encode("axyza", kPlain), ElementsAre(264, 0, 260));
  document["model"]["fuse_unk"] = false;
  EXPECT_THAT(tokenizer_of(document)->encode("axyza", kPlain), ElementsAre(264, 0, 0, 0, 260));
  document["model"]["unk_token"] = nullptr;
  EXPECT_THAT(tokenizer_of(document)->encode("axyza", kPlain), ElementsAre(264, 260));
}

// Words are cut at spaces only where no merge crosses them.
TEST(Bpe, AMergeAcrossASpaceIsFound) {
  json document = sentencepiece_json();
  document["model"]["vocab"]["c▁"] = 500;
  document["model"]["merges"].insert(document["model"]["merges"].begin(), "c ▁");
  EXPECT_THAT(tokenizer_of(document)->encode("c a", kPlain), ElementsAre(259, 500, 260));
}

TEST(Bpe, AMillionEqualLettersTakeNoTime) {
  const auto tokenizer = tokenizer_of(sentencepiece_json());
  EXPECT_EQ(tokenizer->encode(std::string(1'000'000, 'a'), kPlain).size(), 1'000'000U);
  EXPECT_EQ(tokenizer->encode(std::string(1'000'000, ' '), kPlain).size(), 500'001U);
}

}  // namespace
}  // namespace kerf
