// What is served, tokens of texts and texts of tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kerf/serve/openai/test_support.h"

namespace kerf::testing {
namespace {

using ::testing::HasSubstr;

TEST(Status, ListsModels) {
  ApiUnderTest api(says("x"));
  const Json models = api.send("GET", "/v1/models")->json();
  EXPECT_EQ(models["object"], "list");
  EXPECT_EQ(models["data"].size(), 2U);
  EXPECT_EQ(models["data"][0]["id"], "tiny");
  EXPECT_EQ(models["data"][0]["max_model_len"], 1000);
  EXPECT_EQ(api.send("GET", "/v1/models/org%2Ftiny")->json()["id"], "org/tiny");
  EXPECT_EQ(api.send("GET", "/v1/models/org/tiny")->json()["id"], "org/tiny");
  EXPECT_EQ(api.send("GET", "/v1/models/other")->response->status, 404);
}

TEST(Status, IsReadyWhenAReplicaIs) {
  ApiUnderTest api(says("x"));
  EXPECT_EQ(api.send("GET", "/health")->response->status, 200);
  api.ready = false;
  EXPECT_EQ(api.send("GET", "/health")->response->status, 503);
  EXPECT_EQ(api.send("GET", "/live")->response->status, 200);
  EXPECT_EQ(api.send("GET", "/health/live")->response->status, 200);
}

TEST(Status, NamesTheVersion) {
  ApiUnderTest api(says("x"));
  EXPECT_FALSE(api.send("GET", "/version")->json()["version"].get<std::string>().empty());
}

TEST(Tokenizing, CountsAndNamesTokens) {
  ApiUnderTest api(says("x"));
  const Json answer = api.ask("/tokenize", {{"prompt", "hello é"}, {"return_token_strs", true}})->json();
  EXPECT_EQ(answer["tokens"], Json::parse("[259, 32, 195, 169]"));
  EXPECT_EQ(answer["count"], 4);
  EXPECT_EQ(answer["max_model_len"], 1000);
  EXPECT_EQ(answer["token_strs"], Json::parse(R"(["hello", " ", "\\xc3", "\\xa9"])"));
  EXPECT_TRUE(api.ask("/tokenize", {{"prompt", "a"}})->json()["token_strs"].is_null());
}

TEST(Tokenizing, RendersChats) {
  ApiUnderTest api(says("x"));
  const Json messages = Json::parse(R"([{"role": "user", "content": "a"}])");
  EXPECT_EQ(api.ask("/tokenize", {{"messages", messages}})->json()["count"], 18);
}

TEST(Tokenizing, GoesBack) {
  ApiUnderTest api(says("x"));
  EXPECT_EQ(api.ask("/detokenize", {{"tokens", {259, 195, 169, 262}}})->json()["prompt"], "helloé<|end|>");
  EXPECT_EQ(api.ask("/detokenize", {{"tokens", {195}}})->json()["prompt"], "\xEF\xBF\xBD");
  EXPECT_THAT(api.ask("/detokenize", {{"tokens", {999}}})->response->body, HasSubstr("from 0 to 263"));
  EXPECT_THAT(api.ask("/detokenize", Json::object())->response->body, HasSubstr("'tokens' is missing"));
}

}  // namespace
}  // namespace kerf::testing
