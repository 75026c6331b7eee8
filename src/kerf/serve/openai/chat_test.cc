// /v1/chat/completions, from a body to an answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kerf/serve/openai/test_support.h"

namespace kerf::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPath = "/v1/chat/completions";

Json user(std::string text) { return Json::array({{{"role", "user"}, {"content", std::move(text)}}}); }

std::string prompt_of(const ApiUnderTest& api) {
  return api.model->tokenizer->decode(api.generator.requests.back().prompt_ids, false);
}

// The text of a stream's deltas.
std::string content_of(const std::vector<Json>& events) {
  std::string text;
  for (const Json& event : events) {
    if (!event.is_object() || event["choices"].empty()) continue;
    const Json& delta = event["choices"][0]["delta"];
    if (delta.contains("content")) text += delta["content"].get<std::string>();
  }
  return text;
}

TEST(Chat, AnswersInOne) {
  ApiUnderTest api(says("Hello"));
  const auto answer = api.ask(kPath, {{"model", "tiny"}, {"messages", user("Hi")}});
  const Json json = answer->json();
  EXPECT_EQ(prompt_of(api), "[user]Hi[assistant]");
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["choices"][0]["message"],
            Json::parse(R"({"role": "assistant", "content": "Hello", "refusal": null})"));
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(api.generator.requests[0].params.max_tokens, 1000 - 19);  // the rest of the context
}

TEST(Chat, Streams) {
  ApiUnderTest api(says("Hello"));
  const auto answer = api.ask(kPath, {{"messages", user("Hi")}, {"stream", true}});
  const std::vector<Json> events = answer->events();
  EXPECT_EQ(events[0]["choices"][0]["delta"]["role"], "assistant");
  EXPECT_EQ(content_of(events), "Hello");
  EXPECT_FALSE(events[0].contains("usage"));
  const Json& last = events[events.size() - 2]["choices"][0];
  EXPECT_EQ(last["finish_reason"], "stop");
  EXPECT_EQ(events.back(), "[DONE]");
}

TEST(Chat, StreamsChoicesSideBySide) {
  const auto by_seed = [](const Request& request) {
    return std::vector<int32_t>(2 + request.params.seed, static_cast<int32_t>('a' + request.params.seed));
  };
  ApiUnderTest api(by_seed);
  const auto answer = api.ask(kPath, {{"messages", user("x")}, {"n", 3}, {"seed", 0}, {"stream", true}});
  std::vector<std::string> texts(3);
  std::vector<std::string> ends(3);
  for (const Json& event : answer->events()) {
    if (!event.is_object()) continue;
    EXPECT_EQ(event["id"], api.generator.requests[0].name);
    const Json& choice = event["choices"][0];
    const auto index = choice["index"].get<size_t>();
    if (choice["delta"].contains("content")) texts[index] += choice["delta"]["content"].get<std::string>();
    if (!choice["finish_reason"].is_null()) ends[index] = choice["finish_reason"];
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"aa", "bbb", "cccc"}));
  EXPECT_EQ(ends, (std::vector<std::string>{"length", "length", "length"}));
}

TEST(Chat, KeepsACharacterWhole) {
  ApiUnderTest api(says("日本"));
  const auto answer = api.ask(kPath, {{"messages", user("x")}, {"stream", true}});
  int pieces = 0;
  for (const Json& event : answer->events()) {
    if (!event.is_object()) continue;
    const Json& delta = event["choices"][0]["delta"];
    if (delta.contains("content") && !delta["content"].get<std::string>().empty()) ++pieces;
  }
  EXPECT_EQ(pieces, 2);
  EXPECT_EQ(content_of(answer->events()), "日本");
}

TEST(Chat, ReportsUsageAsItGrows) {
  ApiUnderTest api(says("ab"));
  const auto answer = api.ask(kPath, {{"messages", user("x")},
                                      {"stream", true},
                                      {"stream_options", {{"include_usage", true}, {"continuous_usage_stats", true}}}});
  const std::vector<Json> events = answer->events();
  EXPECT_EQ(events[1]["usage"]["completion_tokens"], 1);
  EXPECT_EQ(events[2]["usage"]["completion_tokens"], 2);
  EXPECT_EQ(events[events.size() - 2]["usage"]["completion_tokens"], 3);
}

TEST(Chat, ReportsLogprobs) {
  ApiUnderTest api(says("\xC3\xA9"));
  const auto answer = api.ask(kPath, {{"messages", user("x")}, {"logprobs", true}, {"top_logprobs", 1}});
  const Json content = answer->json()["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(content.size(), 3U);
  EXPECT_EQ(content[0], Json::parse(R"({"token": "\\xc3", "logprob": -0.25, "bytes": [195],
      "top_logprobs": [{"token": "\\xc3", "logprob": -0.25, "bytes": [195]}]})"));
  EXPECT_EQ(content[2]["token"], "<|end|>");
}

TEST(Chat, FlattensContentsAndReadsArgumentsOfCalls) {
  ApiUnderTest api(says("x"));
  const Json messages = Json::parse(R"([
    {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
    {"role": "assistant", "content": null, "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"b\": 1, \"a\": 2}"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "3"}])");
  api.ask(kPath, {{"messages", messages}});
  EXPECT_EQ(prompt_of(api),
            "[user]one\ntwo[assistant][{\"id\": \"1\", \"type\": \"function\", \"function\": {\"name\": \"f\", "
            "\"arguments\": {\"b\": 1, \"a\": 2}}}][tool]3[assistant]");
}

TEST(Chat, GivesTheTemplateToolsAndExtras) {
  auto model = byte_model();
  constexpr const char* kText = "{{ tools | tojson }}|{{ enable_thinking }}|{{ documents | tojson }}";
  model->chat = ModelTemplate{ChatTemplate::parse(kText, "template").value(), kText, {}, {}, {}, {}};
  ApiUnderTest api(says("x"), model);
  const Json tools =
      Json::parse(R"([{"type": "function", "function": {"name": "f", "parameters": {"z": 1, "a": 2}}}])");
  api.ask(kPath, {{"messages", user("x")}, {"tools", tools}, {"chat_template_kwargs", {{"enable_thinking", false}}}});
  EXPECT_EQ(
      prompt_of(api),
      "[{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {\"z\": 1, \"a\": 2}}}]|False|null");
}

TEST(Chat, SaysWhatIsWrongWithABody) {
  const std::vector<std::pair<const char*, const char*>> bodies = {
      {R"({})", "'messages' is missing"},
      {R"({"messages": []})", "at least one message"},
      {R"({"messages": ["x"]})", "messages[0]"},
      {R"({"messages": [{"content": "x"}]})", "'messages[0].role' is missing"},
      {R"({"messages": [{"role": "user"}]})", "'messages[0].content' is missing"},
      {R"({"messages": [{"role": "user", "content": 5}]})", "'messages[0].content' is 5"},
      {R"({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]})", "text only"},
      {R"({"messages": [{"role": "assistant", "tool_calls": [{}]}]})", "messages[0].tool_calls"},
      {R"({"messages": [{"role": "user", "content": "x"}], "top_logprobs": 2})", "needs 'logprobs'"},
      {R"({"messages": [{"role": "user", "content": "x"}], "logprobs": 2})", "true or false"},
      {R"({"messages": [{"role": "user", "content": "x"}], "max_tokens": 0})", "whole number of at least 1"},
      {R"({"messages": [{"role": "user", "content": "x"}], "tools": {}})", "'tools' is an object"},
      {R"({"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function"}]})", "'tools'"},
      {R"({"messages": [{"role": "user", "content": "x"}], "tool_choice": "auto"})", "needs 'tools'"},
      {R"({"messages": [{"role": "user", "content": "x"}], "chat_template": "x"})", "server's to choose"},
  };
  ApiUnderTest api(says("x"));
  for (const auto& [body, message] : bodies) {
    const auto answer = api.send("POST", kPath, body);
    ASSERT_TRUE(answer->response.has_value()) << body;
    EXPECT_EQ(answer->response->status, 400) << body;
    EXPECT_THAT(answer->json()["error"]["message"].get<std::string>(), HasSubstr(message)) << body;
  }
}

TEST(Chat, PassesTheTemplatesOwnRefusalOn) {
  auto model = byte_model();
  constexpr const char* kText = "{{ raise_exception('roles must alternate') }}";
  model->chat = ModelTemplate{ChatTemplate::parse(kText, "template").value(), kText, {}, {}, {}, {}};
  ApiUnderTest api(says("x"), model);
  const auto answer = api.ask(kPath, {{"messages", user("x")}});
  EXPECT_EQ(answer->response->status, 400);
  EXPECT_THAT(answer->response->body, HasSubstr("roles must alternate"));
}

TEST(Chat, NeedsATemplate) {
  auto model = byte_model();
  model->chat.reset();
  ApiUnderTest api(says("x"), model);
  EXPECT_THAT(api.ask(kPath, {{"messages", user("x")}})->response->body, HasSubstr("use /v1/completions"));
}

class ChatTools : public ::testing::Test {
 protected:
  static Json body(const Json& choice) {
    return {{"messages", user("x")}, {"tool_choice", choice}, {"tools", Json::parse(R"([
              {"type": "function", "function": {"name": "weather", "parameters":
                {"type": "object", "properties": {"city": {"$ref": "#/$defs/city"}},
                 "$defs": {"city": {"type": "string"}}}}},
              {"type": "function", "function": {"name": "time"}}])")}};
  }
  static std::shared_ptr<ServedModel> model(ToolFormat format) {
    auto model = byte_model();
    model->tools = format;
    return model;
  }
};

TEST_F(ChatTools, AreFoundInTheAnswer) {
  ApiUnderTest api(
      says("Let me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Kyiv\"}}\n</tool_call>"),
      model(ToolFormat::kHermes));
  const Json choice = api.ask(kPath, body("auto"))->json()["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_EQ(choice["message"]["content"], "Let me see.");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["name"], "weather");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["arguments"], "{\"city\":\"Kyiv\"}");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["type"], "function");
  EXPECT_FALSE(choice["message"]["tool_calls"][0]["id"].get<std::string>().empty());
}

TEST_F(ChatTools, AreFoundInAStream) {
  ApiUnderTest api(says("Hm <tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>"),
                   model(ToolFormat::kHermes));
  Json wanted = body("auto");
  wanted["stream"] = true;
  const std::vector<Json> events = api.ask(kPath, wanted)->events();
  EXPECT_EQ(content_of(events), "Hm");
  std::vector<Json> calls;
  for (const Json& event : events) {
    if (event.is_object() && event["choices"][0]["delta"].contains("tool_calls")) {
      calls.push_back(event["choices"][0]["delta"]["tool_calls"][0]);
    }
  }
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0]["index"], 0);
  EXPECT_EQ(calls[0]["function"]["name"], "time");
  EXPECT_EQ(calls[0]["function"]["arguments"], "{}");
  EXPECT_EQ(events[events.size() - 2]["choices"][0]["finish_reason"], "tool_calls");
}

TEST_F(ChatTools, AreForcedByGrammar) {
  ApiUnderTest api(says("[{\"name\": \"time\", \"parameters\": {\"a\": 1}}]"), model(ToolFormat::kHermes));
  const Json choice = api.ask(kPath, body("required"))->json()["choices"][0];
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["name"], "time");
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  const std::string& grammar = api.generator.requests[0].params.grammar;
  ASSERT_TRUE(grammar.starts_with("schema:"));
  const Json schema = Json::parse(grammar.substr(7));
  EXPECT_EQ(schema["type"], "array");
  EXPECT_EQ(schema["$defs"]["city"]["type"], "string");  // where "#/$defs/city" finds it
  EXPECT_EQ(schema["items"]["anyOf"].size(), 2U);
}

TEST_F(ChatTools, OfOneNameAreItsArguments) {
  ApiUnderTest api(says("{\"city\": \"Lviv\"}"), model(ToolFormat::kNone));
  Json wanted = body({{"type", "function"}, {"function", {{"name", "weather"}}}});
  const Json choice = api.ask(kPath, wanted)->json()["choices"][0];
  EXPECT_EQ(choice["message"]["tool_calls"].size(), 1U);
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["arguments"], "{\"city\": \"Lviv\"}");
  EXPECT_EQ(choice["finish_reason"], "stop");

  wanted["stream"] = true;
  std::string arguments;
  for (const Json& event : api.ask(kPath, wanted)->events()) {
    if (!event.is_object() || !event["choices"][0]["delta"].contains("tool_calls")) continue;
    arguments += event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].get<std::string>();
  }
  EXPECT_EQ(arguments, "{\"city\": \"Lviv\"}");
}

TEST_F(ChatTools, AreUnknownToTheModelWhenNoneIsToBeCalled) {
  ApiUnderTest api(says("<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>"), model(ToolFormat::kHermes));
  const Json choice = api.ask(kPath, body("none"))->json()["choices"][0];
  EXPECT_EQ(prompt_of(api), "[user]x[assistant]");
  EXPECT_EQ(choice["message"]["content"], "<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>");
}

TEST_F(ChatTools, MustBeOnesThatAreThere) {
  ApiUnderTest api(says("x"));
  const Json wanted = body({{"type", "function"}, {"function", {{"name", "nobody"}}}});
  EXPECT_THAT(api.ask(kPath, wanted)->response->body, HasSubstr("one of 'tools'"));
}

}  // namespace
}  // namespace kerf::testing
