// /v1/completions, from a body to an answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kerf/serve/openai/test_support.h"

namespace kerf::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPath = "/v1/completions";

TEST(Completions, AnswersInOne) {
  ApiUnderTest api(says("Hello \"you\"\n"));
  api.generator.cached_tokens = 2;
  const auto answer = api.ask(kPath, {{"model", "tiny"}, {"prompt", "abc"}, {"max_tokens", 50}});
  EXPECT_EQ(answer->response->status, 200);
  const Json json = answer->json();
  EXPECT_EQ(json["object"], "text_completion");
  EXPECT_EQ(json["model"], "tiny");
  EXPECT_EQ(json["system_fingerprint"], "fp_test");
  EXPECT_EQ(json["choices"][0]["text"], "Hello \"you\"\n");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(json["choices"][0]["logprobs"].is_null());
  EXPECT_EQ(json["usage"], Json::parse(R"({"prompt_tokens": 3, "completion_tokens": 13, "total_tokens": 16,
                                           "prompt_tokens_details": {"cached_tokens": 2}})"));
}

TEST(Completions, StreamsATokenPerEvent) {
  ApiUnderTest api(says("Hi!"));
  const auto answer =
      api.post(kPath, {{"prompt", "abc"}, {"stream", true}, {"stream_options", {{"include_usage", true}}}});
  EXPECT_FALSE(answer->response.has_value());  // so that a failure before the first token has its own status
  api.generator.step();
  EXPECT_EQ(answer->response->content_type, "text/event-stream; charset=utf-8");
  EXPECT_EQ(answer->events().size(), 1U);
  api.generator.run();
  const std::vector<Json> events = answer->events();
  ASSERT_EQ(events.size(), 6U);
  std::string text;
  for (size_t i = 0; i < 4; ++i) {
    text += events[i]["choices"][0]["text"].get<std::string>();
    EXPECT_EQ(events[i]["id"], events[0]["id"]);
    EXPECT_TRUE(events[i]["usage"].is_null());
  }
  EXPECT_EQ(text, "Hi!");
  EXPECT_EQ(events[3]["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(events[4]["usage"]["completion_tokens"], 4);
  EXPECT_TRUE(events[4]["choices"].empty());
  EXPECT_EQ(events[5], "[DONE]");
  EXPECT_TRUE(answer->complete);
}

TEST(Completions, EndsAtAStopStringAndCancelsTheRest) {
  ApiUnderTest api(says("one two three"));
  const auto answer = api.ask(kPath, {{"prompt", "x"}, {"max_tokens", 50}, {"stop", {"zzz", " thr"}}});
  EXPECT_EQ(answer->json()["choices"][0]["text"], "one two");
  EXPECT_EQ(answer->json()["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(answer->json()["choices"][0]["stop_reason"], " thr");
  EXPECT_EQ(api.generator.cancelled.size(), 1U);
}

TEST(Completions, ShowsTheStopStringWhenAsked) {
  ApiUnderTest api(says("one two three"));
  const auto answer =
      api.ask(kPath, {{"prompt", "x"}, {"max_tokens", 50}, {"stop", " t"}, {"include_stop_str_in_output", true}});
  EXPECT_EQ(answer->json()["choices"][0]["text"], "one t");
}

TEST(Completions, LooksForStopStringsAfterMinTokens) {
  ApiUnderTest api(says("ababab"));
  const auto answer = api.ask(kPath, {{"prompt", "x"}, {"stop", "ab"}, {"min_tokens", 3}});
  EXPECT_EQ(answer->json()["choices"][0]["text"], "abab");  // the second begins within the first three
}

TEST(Completions, EndsAtAStopTokenWithoutItsText) {
  ApiUnderTest api(says("abcd"));
  const auto answer = api.ask(kPath, {{"prompt", "x"}, {"stop_token_ids", {'c'}}});
  EXPECT_EQ(answer->json()["choices"][0]["text"], "ab");
  EXPECT_EQ(answer->json()["choices"][0]["stop_reason"], int{'c'});
}

TEST(Completions, StopsAtMaxTokensSixteenWhenNotSaid) {
  ApiUnderTest api(says("abcdefghijklmnopqrstuvwxyz"));
  const Json choice = api.ask(kPath, {{"prompt", "x"}})->json()["choices"][0];
  EXPECT_EQ(choice["text"], "abcdefghijklmnop");
  EXPECT_EQ(choice["finish_reason"], "length");
}

TEST(Completions, AnswersEveryPromptNTimes) {
  const auto continues = [](const Request& request) {
    return std::vector<int32_t>{request.prompt_ids.back(), static_cast<int32_t>('0' + request.params.seed % 10), kEnd};
  };
  ApiUnderTest api(continues);
  const auto answer = api.ask(kPath, {{"prompt", {"a", "b"}}, {"n", 2}, {"seed", 3}});
  const Json choices = answer->json()["choices"];
  ASSERT_EQ(choices.size(), 4U);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(choices[i]["index"], i);
  EXPECT_EQ(choices[0]["text"], "a3");
  EXPECT_EQ(choices[1]["text"], "a4");  // each has a seed of its own
  EXPECT_EQ(choices[2]["text"], "b3");
  EXPECT_EQ(choices[3]["text"], "b4");
  EXPECT_EQ(answer->json()["usage"]["prompt_tokens"], 2);
  EXPECT_EQ(answer->json()["usage"]["completion_tokens"], 12);
  for (const Request& request : api.generator.requests) {  // so that the log names them as the client does
    EXPECT_EQ(request.name, answer->json()["id"]);
    EXPECT_EQ(request.n, 2);
  }
}

TEST(Completions, TakesTokenIds) {
  ApiUnderTest api(says("k"));
  api.ask(kPath, {{"prompt", {1, 2, 3}}});
  api.ask(kPath, {{"prompt", {{4, 5}, {6}}}});
  ASSERT_EQ(api.generator.requests.size(), 3U);
  EXPECT_EQ(api.generator.requests[0].prompt_ids, (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(api.generator.requests[1].prompt_ids, (std::vector<int32_t>{4, 5}));
  EXPECT_EQ(api.generator.requests[2].prompt_ids, (std::vector<int32_t>{6}));
}

TEST(Completions, GivesTheLikeliestOfBestOf) {
  // The longer an answer, the lower the fake's mean log-probability.
  const auto by_seed = [](const Request& request) {
    std::vector<int32_t> ids(3 - request.params.seed % 3, 'a');
    ids.push_back(kEnd);
    return ids;
  };
  ApiUnderTest api(by_seed);
  const auto answer = api.ask(kPath, {{"prompt", "x"}, {"best_of", 3}, {"n", 2}, {"seed", 0}});
  const Json choices = answer->json()["choices"];
  ASSERT_EQ(choices.size(), 2U);
  EXPECT_EQ(choices[0]["text"], "a");
  EXPECT_EQ(choices[1]["text"], "aa");
  EXPECT_TRUE(choices[0]["logprobs"].is_null());
  EXPECT_EQ(answer->json()["usage"]["completion_tokens"], 2 + 3 + 4);
}

TEST(Completions, ReportsLogprobs) {
  ApiUnderTest api(says("h\xC3\xA9!"));
  const auto answer = api.ask(kPath, {{"prompt", "x"}, {"logprobs", 2}, {"echo", false}});
  EXPECT_EQ(answer->json()["choices"][0]["text"], "hé!");
  const Json logprobs = answer->json()["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"], Json::parse(R"(["h", "\\xc3", "\\xa9", "!", "<|end|>"])"));
  EXPECT_EQ(logprobs["token_logprobs"], Json::parse("[-0.25, -0.5, -0.75, -1.0, -1.25]"));
  EXPECT_EQ(logprobs["top_logprobs"][0], Json::parse(R"({"h": -0.25, "i": -0.75})"));
  EXPECT_EQ(logprobs["text_offset"], Json::parse("[0, 1, 1, 2, 3]"));
}

TEST(Completions, EchoesThePrompt) {
  ApiUnderTest api(says("def"));
  EXPECT_EQ(api.ask(kPath, {{"prompt", "abc"}, {"echo", true}})->json()["choices"][0]["text"], "abcdef");
  EXPECT_EQ(api.ask(kPath, {{"prompt", {'a', 'b'}}, {"echo", true}, {"max_tokens", 0}})->json()["choices"][0]["text"],
            "ab");
  EXPECT_EQ(api.generator.requests.size(), 1U);  // nothing to generate for the second
}

TEST(Completions, HandsParametersToTheGenerator) {
  ApiUnderTest api(says("x"));
  const Json body = Json::parse(R"({"prompt": "x", "temperature": 0.5, "top_p": 0.9, "top_k": 7, "min_p": 0.1,
    "repetition_penalty": 1.1, "frequency_penalty": 0.2, "presence_penalty": -0.3, "seed": -1, "min_tokens": 2,
    "ignore_eos": true, "logit_bias": {"7": -100, "3": 2.5}, "priority": -4, "user": "u", "max_tokens": 9.0,
    "response_format": {"type": "json_object"}, "some_new_field": {"of": ["OpenAI"]}})");
  api.ask(kPath, body);
  ASSERT_EQ(api.generator.requests.size(), 1U);
  const Request& request = api.generator.requests.front();
  EXPECT_DOUBLE_EQ(request.params.temperature, 0.5);
  EXPECT_DOUBLE_EQ(request.params.top_p, 0.9);
  EXPECT_EQ(request.params.top_k, 7);
  EXPECT_DOUBLE_EQ(request.params.min_p, 0.1);
  EXPECT_DOUBLE_EQ(request.params.repetition_penalty, 1.1);
  EXPECT_DOUBLE_EQ(request.params.frequency_penalty, 0.2);
  EXPECT_DOUBLE_EQ(request.params.presence_penalty, -0.3);
  EXPECT_EQ(request.params.seed, UINT64_MAX);
  EXPECT_EQ(request.params.min_tokens, 2);
  EXPECT_TRUE(request.params.ignore_eos);
  EXPECT_EQ(request.params.logit_bias, (std::vector<std::pair<int32_t, float>>{{3, 2.5F}, {7, -100.0F}}));
  EXPECT_EQ(request.params.max_tokens, 9);
  EXPECT_EQ(request.params.grammar, "json");
  EXPECT_EQ(request.priority, -4);
  EXPECT_NE(request.tenant, 0U);
}

TEST(Completions, TakesTheModelsDefaults) {
  auto model = byte_model();
  model->defaults.temperature = 0.6;
  model->defaults.top_k = 20;
  ApiUnderTest api(says("x"), model);
  api.ask(kPath, {{"prompt", "x"}, {"top_k", 5}});
  EXPECT_DOUBLE_EQ(api.generator.requests[0].params.temperature, 0.6);
  EXPECT_EQ(api.generator.requests[0].params.top_k, 5);
}

TEST(Completions, SeedsDifferWhenNoneIsGiven) {
  ApiUnderTest api(says("x"));
  api.ask(kPath, {{"prompt", "x"}});
  api.ask(kPath, {{"prompt", "x"}});
  EXPECT_NE(api.generator.requests[0].params.seed, api.generator.requests[1].params.seed);
}

struct BadBody {
  const char* body;
  const char* param;
  const char* message;
};

TEST(Completions, SaysWhatIsWrongWithABody) {
  const std::vector<BadBody> bodies = {
      {"", "", "not valid JSON"},
      {"[]", "", "JSON object"},
      {R"({"prompt": "\xff"})", "", "not valid JSON"},
      {R"({"prompt": NaN})", "", "not valid JSON"},
      {R"({"prompt": "x", "temperature": 1e999})", "", "too large"},
      {R"({})", "prompt", "'prompt' is missing"},
      {R"({"prompt": ""})", "prompt", "empty"},
      {R"({"prompt": []})", "prompt", "empty"},
      {R"({"prompt": 5})", "prompt", "'prompt' is 5"},
      {R"({"prompt": ["a", 1]})", "prompt", "list of lists"},
      {R"({"prompt": [1, 264]})", "prompt", "from 0 to 263"},
      {R"({"prompt": [-1]})", "prompt", "from 0 to 263"},
      {R"({"prompt": "x", "n": 0})", "n", "from 1 to 128"},
      {R"({"prompt": "x", "n": "2"})", "n", "'n' is '2'"},
      {R"({"prompt": "x", "n": true})", "n", "whole number"},
      {R"({"prompt": "x", "n": 3, "best_of": 2})", "best_of", "less than 'n'"},
      {R"({"prompt": "x", "best_of": 2, "stream": true})", "best_of", "streamed"},
      {R"({"prompt": "x", "stream": 1})", "stream", "true or false"},
      {R"({"prompt": "x", "stream_options": {"include_usage": true}})", "stream_options", "needs 'stream'"},
      {R"({"prompt": "x", "temperature": -1})", "temperature", "from 0 to"},
      {R"({"prompt": "x", "temperature": "hot"})", "temperature", "'hot'"},
      {R"({"prompt": "x", "top_p": 1.5})", "top_p", "from 0 to 1"},
      {R"({"prompt": "x", "max_tokens": 0})", "max_tokens", "at least 1"},
      {R"({"prompt": "x", "max_tokens": 1.5})", "max_tokens", "whole number"},
      {R"({"prompt": "x", "max_tokens": 1000})", "max_tokens", "context is 1000 tokens"},
      {R"({"prompt": "x", "logprobs": 21})", "logprobs", "from 0 to 20"},
      {R"({"prompt": "x", "logprobs": 1, "echo": true})", "echo", "log-probabilities"},
      {R"({"prompt": "x", "logit_bias": {"a": 1}})", "logit_bias", "token ids"},
      {R"({"prompt": "x", "logit_bias": {"264": 1}})", "logit_bias", "token ids below 264"},
      {R"({"prompt": "x", "logit_bias": {"1": 101}})", "logit_bias", "-100 to 100"},
      {R"({"prompt": "x", "stop": ""})", "stop", "1 to 1024 bytes"},
      {R"({"prompt": "x", "stop": [1]})", "stop", "list of strings"},
      {R"({"prompt": "x", "suffix": "y"})", "suffix", "not supported"},
      {R"({"prompt": "x", "response_format": {"type": "xml"}})", "response_format.type", "json_schema"},
      {R"({"prompt": "x", "response_format": {"type": "json_schema"}})", "response_format.json_schema", "missing"},
      {R"({"prompt": "x", "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "cat"}}}})",
       "response_format", "JSON Schema"},
      {R"({"prompt": "x", "guided_regex": "a+"})", "guided_regex", "not supported"},
  };
  ApiUnderTest api(says("x"));
  for (const BadBody& bad : bodies) {
    const auto answer = api.send("POST", kPath, bad.body);
    ASSERT_TRUE(answer->response.has_value()) << bad.body;
    EXPECT_EQ(answer->response->status, 400) << bad.body;
    const Json error = answer->json()["error"];
    EXPECT_EQ(error["param"], *bad.param == '\0' ? Json(nullptr) : Json(bad.param)) << bad.body;
    EXPECT_THAT(error["message"].get<std::string>(), HasSubstr(bad.message)) << bad.body;
    EXPECT_EQ(error["type"], "invalid_request_error");
  }
  EXPECT_TRUE(api.generator.requests.empty());
}

TEST(Completions, RefusesDeepAndCrowdedJson) {
  ApiUnderTest api(says("x"));
  const std::string deep = R"({"x": )" + std::string(1'000'000, '[');
  EXPECT_THAT(api.send("POST", kPath, deep)->response->body, HasSubstr("nested deeper than 64"));
  const std::string deepest = R"({"x": )" + std::string(63, '[') + std::string(63, ']');
  EXPECT_THAT(api.send("POST", kPath, deepest + "}")->response->body, HasSubstr("'prompt' is missing"));
  std::string crowded = "{";
  for (int i = 0; i < 100'000; ++i) crowded += fmt::format("\"{}\":1,", i);
  EXPECT_THAT(api.send("POST", kPath, crowded + R"("prompt": "x"})")->response->body, HasSubstr("too many names"));
}

TEST(Completions, SaysThatAModelIsNotServed) {
  ApiUnderTest api(says("x"));
  const auto answer = api.ask(kPath, {{"prompt", "x"}, {"model", "gpt-9"}});
  EXPECT_EQ(answer->response->status, 404);
  EXPECT_EQ(answer->json()["error"]["code"], "model_not_found");
  EXPECT_EQ(api.ask(kPath, {{"prompt", "x"}, {"model", "org/tiny"}})->response->status, 200);
}

TEST(Completions, RefusesATextThatCannotFitBeforeTokenisingIt) {
  ApiUnderTest api(says("x"));
  const auto answer = api.ask(kPath, {{"prompt", std::string(8000, 'x')}});
  EXPECT_EQ(answer->response->status, 400);
  EXPECT_EQ(answer->json()["error"]["code"], "context_length_exceeded");
}

TEST(Completions, PassesRefusalsOn) {
  ApiUnderTest api(says("x"));
  const std::vector<std::pair<Refusal::Kind, int>> kinds = {{Refusal::Kind::kInvalid, 400},
                                                            {Refusal::Kind::kOverloaded, 429},
                                                            {Refusal::Kind::kUnavailable, 503},
                                                            {Refusal::Kind::kFailed, 500}};
  for (const auto& [kind, status] : kinds) {
    api.generator.refusal = Refusal{.kind = kind, .message = "Because.", .retry_after_s = 2.2};
    const auto answer = api.ask(kPath, {{"prompt", "x"}});
    EXPECT_EQ(answer->response->status, status);
    EXPECT_EQ(answer->json()["error"]["message"], "Because.");
    EXPECT_THAT(answer->response->headers, ::testing::Contains(::testing::Pair("Retry-After", "3")));
  }
}

TEST(Completions, RefusesAllWhenOnePartIsRefused) {
  ApiUnderTest api(says("x"));
  int taken = 0;
  ApiUnderTest refusing([&](const Request&) {
    if (++taken == 2) refusing.generator.refusal = Refusal{.kind = Refusal::Kind::kOverloaded, .message = "Full."};
    return std::vector<int32_t>{'x', kEnd};
  });
  const auto answer = refusing.post(kPath, {{"prompt", "x"}, {"n", 3}});
  EXPECT_EQ(answer->response->status, 429);
  EXPECT_EQ(refusing.generator.num_open(), 0U);
}

TEST(Completions, EndsAStreamThatFailsWithAnError) {
  ApiUnderTest api(says("abc"));
  const auto answer = api.post(kPath, {{"prompt", "x"}, {"stream", true}});
  api.generator.step();
  api.generator.fail({.kind = Refusal::Kind::kFailed, .message = "The replica is lost."});
  const std::vector<Json> events = answer->events();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[1]["error"]["message"], "The replica is lost.");
  EXPECT_EQ(events[2], "[DONE]");
  EXPECT_TRUE(answer->complete);
}

TEST(Completions, FailsBeforeTheFirstTokenWithAStatus) {
  ApiUnderTest api(says("abc"));
  const auto answer = api.post(kPath, {{"prompt", "x"}, {"stream", true}});
  api.generator.fail({.kind = Refusal::Kind::kUnavailable, .message = "Shutting down."});
  EXPECT_EQ(answer->response->status, 503);
}

TEST(Completions, CancelsWhatAClientThatLeftWanted) {
  for (const bool stream : {false, true}) {
    ApiUnderTest api(says("abc"));
    const auto answer = api.post(kPath, {{"prompt", "x"}, {"n", 3}, {"stream", stream}});
    api.generator.step();
    EXPECT_EQ(api.generator.num_open(), 3U);
    answer->leave();
    EXPECT_EQ(api.generator.num_open(), 0U);
    EXPECT_EQ(api.generator.cancelled.size(), 3U);
    EXPECT_FALSE(answer->complete);
  }
}

TEST(Completions, WantsJson) {
  ApiUnderTest api(says("x"));
  HttpRequest request{.head = {.method = "POST", .path = kPath}, .body = R"({"prompt": "x"})"};
  request.head.headers = {{"content-type", "text/plain"}};
  const auto exchange = std::make_shared<RecordingExchange>(request);
  api.router.handle(exchange);
  EXPECT_EQ(exchange->response->status, 415);
}

}  // namespace
}  // namespace kerf::testing
