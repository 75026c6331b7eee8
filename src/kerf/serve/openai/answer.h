// Answer: one request under way: its sequences at the generator, its exchange with the client.
#pragma once

#include <memory>
#include <vector>

#include "kerf/serve/generator.h"
#include "kerf/serve/http/exchange.h"
#include "kerf/serve/openai/prepared_request.h"

namespace kerf {

// Threading: the event loop's thread.
class Answer : public std::enable_shared_from_this<Answer> {
 public:
  // Sends every sequence of the request to the generator and answers the exchange as events come. It keeps itself
  // until then. generator outlives the event loop's last call. tenant: whose share of the replicas it uses.
  static void start(Generator& generator, std::shared_ptr<HttpExchange> exchange,
                    std::unique_ptr<PreparedRequest> request, uint64_t tenant);

  Answer(Generator& generator, std::shared_ptr<HttpExchange> exchange, std::unique_ptr<PreparedRequest> request);

 private:
  struct Sequence {
    explicit Sequence(Choice made) : choice(std::move(made)) {}
    Choice choice;
    std::optional<RequestId> id;  // while the generator works on it
    bool ended = false;
    AnswerPiece all;  // what came so far, where the answer goes out in one
  };

  [[nodiscard]] const Prompt& prompt_of(size_t sequence) const;
  void submit(uint64_t tenant);
  void on_event(size_t sequence, const GenerationEvent& event);
  void take(size_t sequence, const GenerationEvent& event);
  void stream(size_t sequence, const AnswerPiece& piece);
  void answer_in_one();
  void fail(const ApiError& error);
  void finish();

  Generator& generator_;
  std::shared_ptr<HttpExchange> exchange_;  // until the answer is complete
  std::unique_ptr<PreparedRequest> request_;
  std::vector<Sequence> sequences_;  // best_of of the first prompt, then of the next
  size_t open_ = 0;                  // sequences that have not ended
  Usage usage_;
  bool streaming_ = false;  // the head is sent
  std::string events_;      // scratch
};

// What a refusal is for HTTP.
[[nodiscard]] ApiError error_of(const Refusal& refusal);

}  // namespace kerf
