// A served model of bytes, and an exchange that remembers its answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/io/tokenizer/fixtures_for_test.h"
#include "kerf/serve/fake_generator_for_test.h"
#include "kerf/serve/http/api_keys.h"
#include "kerf/serve/http/exchange.h"
#include "kerf/serve/http/router.h"
#include "kerf/serve/openai/api.h"
#include "kerf/serve/openai/json_body.h"
#include "kerf/serve/openai/served_model.h"

namespace kerf::testing {

inline constexpr int32_t kEnd = 262;  // byte_level_json's "<|end|>"

// "[role]content" of each message, tools as JSON before them, then "[assistant]".
inline constexpr std::string_view kTemplate =
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for message in messages %}[{{ message.role }}]{{ message.content "
    "}}"
    "{% if message.tool_calls %}{{ message.tool_calls | tojson }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}";

inline std::shared_ptr<ServedModel> byte_model() {
  auto model = std::make_shared<ServedModel>();
  model->names = {"tiny", "org/tiny"};
  model->root = "models/tiny";
  model->created = 1;
  model->fingerprint = "fp_test";
  model->tokenizer = tokenizer_of(byte_level_json());
  model->chat =
      ModelTemplate{ChatTemplate::parse(kTemplate, "template").value(), std::string(kTemplate), {}, {}, {}, {}};
  model->vocab_size = 264;
  model->max_model_len = 1000;
  model->longest_token_bytes = 7;
  return model;
}

// Every answer is this text and the end.
inline FakeGenerator::Script says(std::string text) {
  return [text = std::move(text)](const Request&) {
    std::vector<int32_t> ids;
    for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
    ids.push_back(kEnd);
    return ids;
  };
}

class RecordingExchange : public HttpExchange {
 public:
  explicit RecordingExchange(HttpRequest request) : request_(std::move(request)) {}

  [[nodiscard]] const HttpRequest& request() const override { return request_; }
  void respond(HttpResponse answer) override {
    response = std::move(answer);
    complete = true;
    gone_ = nullptr;
  }
  void begin_stream(HttpResponse head) override {
    streamed = head.body;
    response = std::move(head);
  }
  void write(std::string_view piece) override { streamed += piece; }
  void end() override {
    complete = true;
    gone_ = nullptr;
  }
  void on_gone(std::function<void()> gone) override { gone_ = std::move(gone); }

  // The client leaves.
  void leave() {
    if (gone_) std::exchange(gone_, nullptr)();
  }

  // The JSON of the answer in one.
  [[nodiscard]] Json json() const { return Json::parse(response ? response->body : "null"); }
  // The events of a stream; "[DONE]" is a string.
  [[nodiscard]] std::vector<Json> events() const {
    std::vector<Json> events;
    size_t at = 0;
    while (at < streamed.size()) {
      const size_t end = streamed.find("\n\n", at);
      const std::string event = streamed.substr(at + 6, end - at - 6);  // after "data: "
      events.push_back(event == "[DONE]" ? Json(event) : Json::parse(event));
      at = end + 2;
    }
    return events;
  }

  std::optional<HttpResponse> response;
  std::string streamed;
  bool complete = false;

 private:
  HttpRequest request_;
  std::function<void()> gone_;
};

// The API over a FakeGenerator, without a socket.
struct ApiUnderTest {
  explicit ApiUnderTest(FakeGenerator::Script script, std::shared_ptr<ServedModel> served = byte_model())
      : model(std::move(served)),
        generator(std::move(script), kEnd),
        api(generator, background, model, [this] { return ready; }) {
    api.add_routes(router);
  }

  std::shared_ptr<RecordingExchange> send(std::string method, std::string path, std::string body = "") {
    HttpRequest request{.head = {.method = std::move(method), .path = std::move(path)}, .body = std::move(body)};
    request.head.headers = {{"Content-Type", "application/json"}};
    auto exchange = std::make_shared<RecordingExchange>(std::move(request));
    if (auto refusal = router.refusal(exchange->request().head)) {
      exchange->respond(*std::move(refusal));
    } else {
      router.handle(exchange);
    }
    return exchange;
  }
  std::shared_ptr<RecordingExchange> post(std::string path, const Json& body) {
    return send("POST", std::move(path), body.dump());
  }
  // Posts and lets the generator finish.
  std::shared_ptr<RecordingExchange> ask(std::string path, const Json& body) {
    auto exchange = post(std::move(path), body);
    generator.run();
    return exchange;
  }

  std::shared_ptr<ServedModel> model;
  bool ready = true;
  FakeGenerator generator;
  NoBackground background;
  ApiKeys keys;
  Router router{keys};
  OpenAiApi api;
};

}  // namespace kerf::testing
