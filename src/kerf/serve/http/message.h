// An HTTP request and the answer to it, as handlers see them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kerf {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpHead {
  std::string method;  // "POST"
  std::string path;    // "/v1/models/a%2Fb": as it was sent, without the query
  std::string query;   // what follows "?"
  HttpHeaders headers;

  // The first header of this name, whatever its case; "" when there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct HttpRequest {
  HttpHead head;
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  HttpHeaders headers;
};

// "Not Found"
[[nodiscard]] std::string_view reason_phrase(int status);

// Whether two header names, or their values where case does not count, are the same.
[[nodiscard]] bool same_word(std::string_view a, std::string_view b);

// "a%2Fb" → "a/b"; what is no escape stays as it is.
[[nodiscard]] std::string percent_decoded(std::string_view text);

}  // namespace kerf
