// Bytes as a model's answer, a token each; up to the first NUL they are a stop string. However they are cut into
// events, a stream shows the text that an answer in one does, and no byte of a stop string.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "kerf/base/check.h"
#include "kerf/io/tokenizer/utf8.h"
#include "kerf/serve/openai/test_support.h"

namespace {

using kerf::Json;
using kerf::testing::ApiUnderTest;

std::string streamed_text(const std::vector<Json>& events) {
  std::string text;
  for (const Json& event : events) {
    if (event.is_object()) text += event["choices"][0]["text"].get<std::string>();
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), std::min<size_t>(size, 900));
  const size_t nul = input.find('\0');
  std::string stop = nul == std::string::npos ? "" : input.substr(0, nul);
  if (kerf::valid_utf8_prefix(stop) != stop.size()) stop.clear();  // a request cannot hold it
  const std::string answer = nul == std::string::npos ? input : input.substr(nul + 1);

  static std::string text;
  static auto* api = new ApiUnderTest([](const kerf::Request& request) { return kerf::testing::says(text)(request); });
  text = answer;
  Json body = {{"prompt", "x"}, {"max_tokens", 990}};
  if (!stop.empty()) body["stop"] = stop.substr(0, 1024);
  const std::string whole = api->ask("/v1/completions", body)->json()["choices"][0]["text"].get<std::string>();
  body["stream"] = true;
  const std::string streamed = streamed_text(api->ask("/v1/completions", body)->events());
  KERF_CHECK(whole == streamed, "a stream shows another text");
  KERF_CHECK(stop.empty() || whole.find(stop) == std::string::npos, "a stop string is shown");
  KERF_CHECK(kerf::valid_utf8_prefix(whole) == whole.size(), "a text is not UTF-8");

  std::vector<int32_t> ids;
  for (const char byte : answer) ids.push_back(static_cast<unsigned char>(byte));
  std::string wanted = api->model->tokenizer->decode(ids, true);
  if (!stop.empty()) wanted = wanted.substr(0, wanted.find(stop));
  KERF_CHECK(whole == wanted, "a text is not the tokens'");
  api->generator.requests.clear();
  api->generator.cancelled.clear();
  return 0;
}
