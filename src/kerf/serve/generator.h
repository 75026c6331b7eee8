// Generator: what the API's handlers see of the replicas: requests in, events out.
//
// The one implementation that serves is the Dispatcher, which queues, routes over replicas, and replays what a
// lost replica had under way; tests of the handlers have their own.
//
// Threading: the front's one thread. Handlers are called from its event loop, never from inside submit() or
// cancel().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kerf/engine/request.h"
#include "kerf/engine/sampler.h"

namespace kerf {

// Why a request was not taken, or could not be finished.
struct Refusal {
  enum class Kind : uint16_t {  // each with its status of HTTP
    kInvalid = 400,             // can never run here
    kOverloaded = 429,          // the queue is full; with Retry-After
    kUnavailable = 503,         // no replica, or shutting down
    kFailed = 500,              // it was taken and failed
  };
  Kind kind = Kind::kFailed;
  std::string message;       // one sentence
  double retry_after_s = 0;  // kOverloaded and kUnavailable

  [[nodiscard]] int http_status() const { return static_cast<int>(kind); }
};

// What became of a request since the last event. A request's events come in the order of its tokens; every token
// comes exactly once, whatever happens to replicas meanwhile. The event with `finish` or `refusal` is the last.
struct GenerationEvent {
  std::vector<SampledToken> tokens;    // new ones, in order; an end-of-sequence token is among them
  std::optional<FinishReason> finish;  // stop (by token), length
  std::optional<Refusal> refusal;      // it failed
  int64_t cached_tokens = 0;           // with the first token: prompt tokens that came from the prefix cache
};

class Generator {
 public:
  using Handler = std::function<void(GenerationEvent)>;

  virtual ~Generator() = default;
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Takes a request; its `id` is the generator's to choose and is returned. Nothing is called when it is refused.
  struct Submitted {
    RequestId id = 0;
    std::optional<Refusal> refusal;
  };
  [[nodiscard]] virtual Submitted submit(Request request, Handler handler) = 0;

  // No event of it comes any more. why: kStop, a stop string has been seen; kAbort, nobody wants it.
  virtual void cancel(RequestId id, FinishReason why) = 0;

 protected:
  Generator() = default;
};

}  // namespace kerf
