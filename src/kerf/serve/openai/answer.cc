#include "kerf/serve/openai/answer.h"

#include <algorithm>
#include <numeric>

#include "kerf/serve/openai/random.h"

namespace kerf {

ApiError error_of(const Refusal& refusal) {
  ApiError error{.status = refusal.http_status(), .message = refusal.message, .retry_after_s = refusal.retry_after_s};
  if (refusal.kind == Refusal::Kind::kOverloaded) {
    error.code = "rate_limit_exceeded";
    error.retry_after_s = std::max(error.retry_after_s, 1.0);
  } else if (refusal.kind == Refusal::Kind::kUnavailable) {
    error.code = "service_unavailable";
  }
  return error;
}

Answer::Answer(Generator& generator, std::shared_ptr<HttpExchange> exchange, std::unique_ptr<PreparedRequest> request)
    : generator_(generator), exchange_(std::move(exchange)), request_(std::move(request)) {
  for (const Prompt& prompt : request_->prompts) {
    usage_.prompt_tokens += static_cast<int64_t>(prompt.ids.size());
    for (int i = 0; i < request_->options.best_of; ++i) {
      sequences_.emplace_back(Choice(prompt.detokenizer, request_->options, prompt.echo));
      for (const auto& [id, text] : request_->shown_special) sequences_.back().choice.show_special(id, text);
    }
  }
  open_ = sequences_.size();
}

void Answer::start(Generator& generator, std::shared_ptr<HttpExchange> exchange,
                   std::unique_ptr<PreparedRequest> request, uint64_t tenant) {
  const auto answer = std::make_shared<Answer>(generator, std::move(exchange), std::move(request));
  answer->exchange_->on_gone([answer] { answer->finish(); });
  answer->submit(tenant);
}

const Prompt& Answer::prompt_of(size_t sequence) const {
  return request_->prompts[sequence / static_cast<size_t>(request_->options.best_of)];
}

void Answer::submit(uint64_t tenant) {
  const GenerationOptions& options = request_->options;
  const uint64_t seed = options.seeded ? options.params.seed : random_bits();
  for (size_t i = 0; i < sequences_.size() && exchange_; ++i) {
    const Prompt& prompt = prompt_of(i);
    if (prompt.max_tokens == 0) {
      take(i, {.finish = FinishReason::kLength});
      continue;
    }
    Request request{.prompt_ids = prompt.ids,
                    .params = options.params,
                    .priority = options.priority,
                    .tenant = tenant,
                    .name = request_->format->id(),
                    .n = options.n};
    request.params.max_tokens = prompt.max_tokens;
    request.params.seed = seed + i % static_cast<size_t>(options.best_of);  // vLLM's: choice i has seed + i
    Generator::Submitted submitted = generator_.submit(
        std::move(request), [self = shared_from_this(), i](const GenerationEvent& event) { self->on_event(i, event); });
    if (submitted.refusal) return fail(error_of(*submitted.refusal));
    sequences_[i].id = submitted.id;
  }
}

void Answer::on_event(size_t sequence, const GenerationEvent& event) {
  if (!exchange_ || sequences_[sequence].ended) return;
  const auto self = shared_from_this();  // the generator may let go of its handler when it is cancelled
  if (event.finish || event.refusal) sequences_[sequence].id.reset();
  if (event.refusal) return fail(error_of(*event.refusal));
  if (event.finish == FinishReason::kError) return fail({.status = 500, .message = "The model gave no valid token."});
  take(sequence, event);
}

void Answer::take(size_t sequence, const GenerationEvent& event) {
  Sequence& at = sequences_[sequence];
  const int64_t tokens_before = at.choice.num_tokens();
  AnswerPiece piece = at.choice.take(event);
  usage_.completion_tokens += at.choice.num_tokens() - tokens_before;
  if (sequence % static_cast<size_t>(request_->options.best_of) == 0) usage_.cached_tokens += event.cached_tokens;
  if (piece.finish) {
    at.ended = true;
    --open_;
    if (at.id) generator_.cancel(*std::exchange(at.id, std::nullopt), FinishReason::kStop);  // a stop string
  }
  if (request_->options.stream) {
    stream(sequence, piece);
  } else {
    at.all.append(std::move(piece));
  }
  if (open_ > 0) return;
  if (!request_->options.stream) answer_in_one();
  finish();
}

void Answer::stream(size_t sequence, const AnswerPiece& piece) {
  events_.clear();
  request_->format->append_events(events_, sequence, piece, usage_);
  if (open_ == 0) request_->format->append_end(events_, usage_);
  if (!std::exchange(streaming_, true)) {
    exchange_->begin_stream({.content_type = "text/event-stream; charset=utf-8",
                             .body = std::move(events_),
                             .headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}}});
  } else if (!events_.empty()) {
    exchange_->write(events_);
  }
  if (open_ == 0) exchange_->end();
}

void Answer::answer_in_one() {
  const auto best_of = static_cast<size_t>(request_->options.best_of);
  const auto n = static_cast<size_t>(request_->options.n);
  std::vector<AnswerPiece> choices;
  for (size_t first = 0; first < sequences_.size(); first += best_of) {
    std::vector<size_t> order(best_of);
    std::iota(order.begin(), order.end(), first);
    if (best_of > n) {
      std::ranges::stable_sort(order, std::greater<>(),
                               [this](size_t i) { return sequences_[i].choice.mean_logprob(); });
    }
    for (size_t i = 0; i < n; ++i) choices.push_back(std::move(sequences_[order[i]].all));
  }
  exchange_->respond({.body = request_->format->whole(choices, usage_)});
}

void Answer::fail(const ApiError& error) {
  if (streaming_) {
    exchange_->write("data: " + error_body(error) + "\n\ndata: [DONE]\n\n");
    exchange_->end();
  } else {
    exchange_->respond(error_response(error));
  }
  finish();
}

// The answer is complete, or nobody wants it any more.
void Answer::finish() {
  const auto self = shared_from_this();
  exchange_.reset();
  for (Sequence& sequence : sequences_) {
    sequence.ended = true;
    if (sequence.id) generator_.cancel(*std::exchange(sequence.id, std::nullopt), FinishReason::kAbort);
  }
}

}  // namespace kerf
