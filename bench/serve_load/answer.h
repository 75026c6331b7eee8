// Answer: the server-sent events of one streamed completion, as far as a load needs them: when tokens came, how many.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kerf::load {

class Answer {
 public:
  // The next piece of the body, read at `now_s`.
  void feed(std::string_view piece, double now_s);

  [[nodiscard]] bool done() const { return done_; }  // "data: [DONE]" came
  [[nodiscard]] double first_s() const { return first_s_; }
  [[nodiscard]] double last_s() const { return last_s_; }
  // As the server counts them, or, where it does not say, the events that held a choice.
  [[nodiscard]] int64_t tokens() const { return usage_tokens_ > 0 ? usage_tokens_ : events_; }
  [[nodiscard]] const std::string& error() const { return error_; }  // empty = none

 private:
  void event(std::string_view data, double now_s);

  std::string rest_;  // of an event that has not ended
  int64_t events_ = 0;
  int64_t usage_tokens_ = 0;
  double first_s_ = 0;
  double last_s_ = 0;
  bool done_ = false;
  std::string error_;
};

}  // namespace kerf::load
