// Any bytes as a chat template: parse, then render a conversation under small limits. Nothing may
// crash, hang or pass its limits.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "kerf/base/check.h"
#include "kerf/io/chat_template/chat_template.h"

namespace {

const nlohmann::ordered_json& conversation() {
  static const auto context = nlohmann::ordered_json::parse(R"({
    "messages": [
      {"role": "system", "content": "Be kind."},
      {"role": "user", "content": [{"type": "text", "text": "naïve 日本 🎉 ß"}]},
      {"role": "assistant", "content": null, "tool_calls": [
        {"type": "function", "function": {"name": "f", "arguments": {"a": 1, "b": [1.5, true, null]}}}]},
      {"role": "tool", "content": "it's \"q\" <b> \\ \n"}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "documents": null, "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>",
    "words": ["b", "A", "c", "a"], "numbers": [3, 1, 2], "n": 7, "x": 2.5, "d": {"b": 2, "a": 1, "1": []}
  })");
  return context;
}

std::tm midnight() { return {}; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr kerf::TemplateLimits kLimits{
      .max_depth = 1000, .max_output_bytes = 1 << 16, .max_memory_bytes = 1 << 20, .max_steps = 20'000};
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto parsed = kerf::ChatTemplate::parse(source, "fuzz");
  if (!parsed.ok()) return 0;
  const auto text = parsed->render(conversation(), kLimits, midnight);
  KERF_CHECK(!text.ok() || text->size() <= kLimits.max_output_bytes, "the limit of output does not hold");
  return 0;
}
