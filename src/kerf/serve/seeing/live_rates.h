// What a server did in the last minute, for a person who looks at it now.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace kerf {

class LiveRates {
 public:
  static constexpr int kSeconds = 60;

  // now_s never goes back.
  void on_tokens(int64_t prompt, int64_t generated, double now_s);
  void on_first_token(double ttft_s, double now_s) { note(ttft_, ttft_s, now_s); }
  void on_finished(double tpot_s, double now_s);  // 0: it had less than two tokens

  struct Quantiles {
    double p50 = 0, p95 = 0;  // 0 = nothing in the last minute
  };
  struct View {
    double tokens_per_s = 0;  // of the last whole seconds, 5 of them; so are the next two
    double prompt_tokens_per_s = 0;
    double requests_per_s = 0;
    Quantiles ttft_s, tpot_s;
    std::vector<int64_t> tokens_by_second;  // [kSeconds], the newest whole second last
  };
  [[nodiscard]] View view(double now_s) const;

 private:
  struct Second {
    int64_t at = -1;
    int64_t prompt = 0, generated = 0, requests = 0;
  };
  struct Sample {
    double at_s, value_s;
  };
  static constexpr size_t kMaxSamples = 2048;  // a thousand requests a second would still leave two seconds of them

  Second& second(double now_s);
  static void note(std::deque<Sample>& samples, double value_s, double now_s);
  static Quantiles quantiles(const std::deque<Sample>& samples, double now_s);

  std::array<Second, kSeconds + 1> seconds_{};  // by time modulo their number
  std::deque<Sample> ttft_, tpot_;
};

}  // namespace kerf
