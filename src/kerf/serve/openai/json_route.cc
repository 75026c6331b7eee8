#include "kerf/serve/openai/json_route.h"

#include <atomic>

namespace kerf {

namespace {

// Bytes of a body that are read, rendered and tokenised on the event loop: some milliseconds of work at most.
constexpr size_t kShortBody = size_t{16} << 10;

}  // namespace

std::optional<HttpResponse> refuse_unless_json(const HttpHead& head) {
  std::string_view type = head.header("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (same_word(type, "application/json") && head.header("Content-Encoding").empty()) return std::nullopt;
  return error_response(
      {.status = 415, .message = "The body must be JSON, uncompressed: send 'Content-Type: application/json'."});
}

void read_body(const std::shared_ptr<HttpExchange>& exchange, Background& background, std::function<void()> read,
               std::function<void()> then) {
  if (exchange->request().body.size() <= kShortBody) {
    read();
    return then();
  }
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  exchange->on_gone([gone] { *gone = true; });
  background.run(
      [gone, read = std::move(read)] {
        if (!*gone) read();
      },
      [gone, then = std::move(then)] {
        if (!*gone) then();
      });
}

}  // namespace kerf
