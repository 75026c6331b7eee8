// A Generator that needs no model: its answers are given beforehand, a token per step.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "kerf/serve/generator.h"

namespace kerf::testing {

class FakeGenerator : public Generator {
 public:
  // The tokens of an answer; ends by length where these, or max_tokens, are used up.
  using Script = std::function<std::vector<int32_t>(const Request&)>;

  FakeGenerator(Script script, int32_t eos_id) : script_(std::move(script)), eos_id_(eos_id) {}

  Submitted submit(Request request, Handler handler) override {
    if (refusal) return {.id = 0, .refusal = refusal};
    const RequestId id = next_id_++;
    request.id = id;
    requests.push_back(request);
    open_[id] = {script_(request), std::move(request), std::move(handler), 0};
    return {.id = id, .refusal = std::nullopt};
  }

  void cancel(RequestId id, FinishReason /*why*/) override {
    if (open_.erase(id) > 0) cancelled.push_back(id);
  }

  // A token for each sequence.
  void step() {
    std::vector<RequestId> ids;
    for (const auto& [id, sequence] : open_) ids.push_back(id);
    for (const RequestId id : ids) give(id);
  }
  void run() {
    while (!open_.empty()) step();
  }
  // Every sequence fails.
  void fail(const Refusal& why) {
    while (!open_.empty()) {
      const Handler handler = std::move(open_.begin()->second.handler);
      open_.erase(open_.begin());
      GenerationEvent event;
      event.refusal = why;
      handler(std::move(event));
    }
  }

  [[nodiscard]] size_t num_open() const { return open_.size(); }

  std::optional<Refusal> refusal;  // of what is submitted next
  std::vector<Request> requests;   // all that were taken
  std::vector<RequestId> cancelled;
  int64_t cached_tokens = 0;

 private:
  struct Sequence {
    std::vector<int32_t> tokens;
    Request request;
    Handler handler;
    size_t given;
  };

  void give(RequestId id) {
    const auto at = open_.find(id);
    if (at == open_.end()) return;  // cancelled since
    Sequence& sequence = at->second;
    GenerationEvent event;
    if (sequence.given == 0) event.cached_tokens = cached_tokens;
    event.tokens.push_back(sampled(sequence));
    event.finish = finish_of(sequence);
    const Handler handler = sequence.handler;
    if (event.finish) open_.erase(at);
    handler(std::move(event));
  }

  // Token i has log-probability -(i + 1) / 4, and the ids after it follow, a half below each other.
  SampledToken sampled(Sequence& sequence) {
    SampledToken token;
    token.token = sequence.tokens[sequence.given++];
    const int count = sequence.request.params.logprobs;
    if (count < 0) return token;
    token.logprob = -0.25 * static_cast<double>(sequence.given);
    for (int i = 0; i < count; ++i) token.top.push_back({token.token + i, token.logprob - 0.5 * i});
    return token;
  }

  [[nodiscard]] std::optional<FinishReason> finish_of(const Sequence& sequence) const {
    const SamplingParams& params = sequence.request.params;
    const int32_t token = sequence.tokens[sequence.given - 1];
    const bool stops = std::ranges::find(params.stop_token_ids, token) != params.stop_token_ids.end();
    if (stops || (token == eos_id_ && !params.ignore_eos)) return FinishReason::kStop;
    const bool used_up =
        sequence.given == sequence.tokens.size() || static_cast<int64_t>(sequence.given) == params.max_tokens;
    return used_up ? std::optional(FinishReason::kLength) : std::nullopt;
  }

  Script script_;
  int32_t eos_id_;
  RequestId next_id_ = 1;
  std::map<RequestId, Sequence> open_;
};

}  // namespace kerf::testing
