// A request to one of the endpoints: its first byte chooses which, the rest is the body. Whatever it is, it is
// answered, and the answer is what its status and its framing say.
#include <cstddef>
#include <cstdint>
#include <string>

#include "kerf/base/check.h"
#include "kerf/serve/openai/test_support.h"

namespace {

using kerf::Json;
using kerf::testing::ApiUnderTest;

// An answer with all that may go wrong in text: halves of characters, calls of tools, ends of strings.
std::vector<int32_t> script(const kerf::Request& request) {
  return kerf::testing::says("a\"\\\xC3\xA9\xE6\x97<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n\x01")(
      request);
}

void check_events(const std::string& stream) {
  KERF_CHECK(stream.ends_with("\n\n"), "an event has no end");
  KERF_CHECK(stream.find("data: [DONE]\n\n") == stream.size() - 14, "a stream has not one end");
  for (size_t at = 0; at < stream.size() - 14;) {
    const size_t end = stream.find("\n\n", at);
    KERF_CHECK(stream.compare(at, 6, "data: ") == 0, "an event is no event");
    KERF_CHECK(Json::accept(stream.substr(at + 6, end - at - 6)), "an event is no JSON");
    at = end + 2;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* api = [] {
    auto model = kerf::testing::byte_model();
    model->tools = kerf::ToolFormat::kHermes;
    return new ApiUnderTest(script, model);
  }();
  if (size == 0) return 0;
  constexpr const char* kPaths[] = {"/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize"};
  const char* path = kPaths[data[0] % 4];
  const auto exchange = api->send("POST", path, std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  api->generator.run();
  api->generator.requests.clear();
  api->generator.cancelled.clear();
  KERF_CHECK(exchange->complete && exchange->response, "a request is not answered");
  if (!exchange->streamed.empty()) {
    check_events(exchange->streamed);
  } else {
    KERF_CHECK(Json::accept(exchange->response->body), "an answer is no JSON");
    const Json answer = exchange->json();
    KERF_CHECK(answer.contains("error") == (exchange->response->status != 200), "a status does not fit its answer");
  }
  return 0;
}
