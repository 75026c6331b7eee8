#include "kerf/serve/openai/content_type.h"

#include "kerf/serve/http/error_response.h"

namespace kerf {

std::optional<HttpResponse> refuse_unless_json(const HttpHead& head) {
  std::string_view type = head.header("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (same_word(type, "application/json") && head.header("Content-Encoding").empty()) return std::nullopt;
  return error_response(
      {.status = 415, .message = "The body must be JSON, uncompressed: send 'Content-Type: application/json'."});
}

}  // namespace kerf
