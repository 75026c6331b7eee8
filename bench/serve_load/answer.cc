#include "answer.h"

#include <nlohmann/json.hpp>

namespace kerf::load {

void Answer::feed(std::string_view piece, double now_s) {
  rest_ += piece;
  size_t begin = 0;
  for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    std::string_view line = std::string_view(rest_).substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("data:")) {
      line.remove_prefix(5);
      if (line.starts_with(' ')) line.remove_prefix(1);
      event(line, now_s);
    }
    begin = end + 1;
  }
  rest_.erase(0, begin);
}

// Parses an event only where it must: there is one for each token, and the server needs the cores.
void Answer::event(std::string_view data, double now_s) {
  if (data == "[DONE]") {
    done_ = true;
    return;
  }
  if (data.find("\"error\":{") != std::string_view::npos) {
    error_ = data.substr(0, 200);
    return;
  }
  if (data.find("\"usage\":{") != std::string_view::npos) {
    const auto json = nlohmann::json::parse(data, nullptr, false);
    if (!json.is_discarded()) usage_tokens_ = json["usage"].value("completion_tokens", int64_t{0});
  }
  if (data.find("\"choices\":[{") == std::string_view::npos) return;
  // The last event of some servers has no text, only the reason of the end.
  if (data.find("\"text\":\"\"") != std::string_view::npos &&
      data.find("\"finish_reason\":\"") != std::string_view::npos) {
    return;
  }
  if (events_++ == 0) first_s_ = now_s;
  last_s_ = now_s;
}

}  // namespace kerf::load
