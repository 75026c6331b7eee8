#include "kerf/engine/stop_strings.h"

#include <gtest/gtest.h>

#include <random>

namespace kerf {
namespace {

// What a reader of the stream sees in the end.
std::string shown(StopStrings& stops, const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += stops.push(piece);
  return text + (stops.stopped() ? "" : stops.flush());
}

TEST(StopStrings, CutsBeforeTheStopStringEvenAcrossPieces) {
  StopStrings stops({"</s>"});
  EXPECT_EQ(stops.push("Hello <"), "Hello ");
  EXPECT_EQ(stops.push("/"), "");
  EXPECT_EQ(stops.push("s> and more"), "");
  EXPECT_TRUE(stops.stopped());
  EXPECT_EQ(stops.stopped_by(), "</s>");
  EXPECT_EQ(stops.push("ignored"), "");
  EXPECT_EQ(stops.flush(), "");
}

TEST(StopStrings, WhatTurnsOutToBeNoStopStringIsShown) {
  StopStrings stops({"aab"});
  EXPECT_EQ(stops.push("aa"), "");
  EXPECT_EQ(stops.push("a"), "a") << "still 'aa' may begin the stop string";
  EXPECT_EQ(stops.push("c"), "aac");
  EXPECT_EQ(stops.push("xa"), "x");
  EXPECT_EQ(stops.push(""), "");
  EXPECT_EQ(stops.flush(), "a");
}

TEST(StopStrings, TheFirstToBeCompleteCounts) {
  StopStrings inner({"abc", "b"});
  EXPECT_EQ(shown(inner, {"xabcx"}), "xa");
  EXPECT_EQ(inner.stopped_by(), "b");
  StopStrings suffix({"c", "abc"});
  EXPECT_EQ(shown(suffix, {"xabc"}), "x") << "both end here; the longer hides more";
  EXPECT_EQ(suffix.stopped_by(), "abc");
}

TEST(StopStrings, WholeCharactersInGiveWholeCharactersOut) {
  StopStrings stops({"é!", "終わり"});
  EXPECT_EQ(stops.push("è"), "è") << "shares its first byte with é";
  EXPECT_EQ(stops.push("é"), "");
  EXPECT_EQ(stops.push("終"), "é");
  EXPECT_EQ(stops.push("わ"), "");
  EXPECT_EQ(stops.push("る"), "終わる");
  EXPECT_EQ(stops.push("終わり"), "");
  EXPECT_TRUE(stops.stopped());
}

TEST(StopStrings, WithoutStopStringsTextPassesAtOnce) {
  StopStrings stops({});
  EXPECT_EQ(stops.push("anything"), "anything");
  EXPECT_EQ(stops.flush(), "");
}

TEST(StopStringsDeathTest, AnEmptyStopStringIsABrokenInvariant) {
  EXPECT_DEATH(StopStrings({""}), "empty stop string");
}

// Against a search of the whole text, over a two-letter alphabet so that borders abound.
TEST(StopStrings, RandomTextsInRandomPiecesAgreeWithASearchOfTheWhole) {
  std::mt19937_64 rng(11);
  const auto word = [&](size_t length) {
    std::string s(length, 'a');
    for (char& c : s) c = rng() % 2 ? 'a' : 'b';
    return s;
  };
  int stopped = 0;
  for (int round = 0; round < 5000; ++round) {
    std::vector<std::string> list(1 + rng() % 3);
    for (std::string& stop : list) stop = word(1 + rng() % 6);
    const std::string text = word(rng() % 24);

    size_t end = std::string::npos;
    size_t cut = text.size();
    for (size_t e = 1; e <= text.size() && end == std::string::npos; ++e) {
      for (const std::string& stop : list) {
        if (text.substr(0, e).ends_with(stop)) {
          end = e;
          cut = std::min(cut, e - stop.size());
        }
      }
    }

    StopStrings stops(list);
    std::string seen;
    for (size_t at = 0; at < text.size() && !stops.stopped();) {
      const size_t n = 1 + rng() % 4;
      seen += stops.push(text.substr(at, n));
      at += n;
      ASSERT_TRUE(text.substr(0, cut).starts_with(seen)) << "showed too much of " << text;
    }
    ASSERT_EQ(stops.stopped(), end != std::string::npos) << text;
    if (!stops.stopped()) seen += stops.flush();
    ASSERT_EQ(seen, text.substr(0, cut));
    stopped += stops.stopped() ? 1 : 0;
  }
  EXPECT_GT(stopped, 1000);
}

}  // namespace
}  // namespace kerf
