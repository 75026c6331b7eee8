// Errors as OpenAI's API says them: {"error": {"message", "type", "param", "code"}}.
#pragma once

#include <string>
#include <string_view>

#include "kerf/serve/http/message.h"

namespace kerf {

struct ApiError {
  int status = 400;
  std::string message;  // one sentence
  std::string param;    // the field of the request; "" = null
  std::string code;     // a word for programs, "" = null
  double retry_after_s = 0;
};

// "invalid_request_error", "rate_limit_error" or "server_error".
[[nodiscard]] std::string_view error_type(int status);

// The object's text. Bytes of the message that are not UTF-8 are replaced.
[[nodiscard]] std::string error_body(const ApiError& error);

// With Retry-After where the error has one.
[[nodiscard]] HttpResponse error_response(const ApiError& error);

}  // namespace kerf
