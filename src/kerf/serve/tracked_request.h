// TrackedRequest: a request on its way through replicas: what its client has been told, and what a replica's word adds
// to that. Whichever replica speaks, and from wherever it begins again, each token is told once, in order.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "kerf/base/result.h"
#include "kerf/engine/wait_queue.h"
#include "kerf/serve/generator.h"
#include "kerf/serve/replica_messages.h"

namespace kerf {

// Its request is as a replica is to continue it: output_ids are the tokens told so far.
class TrackedRequest : public Waiting {
 public:
  // asked: with its id, the arrival.
  TrackedRequest(Request asked, Generator::Handler handler)
      : Waiting{.request = std::move(asked)}, handler_(std::move(handler)) {
    arrival = request.id;
  }

  [[nodiscard]] RequestId id() const { return request.id; }
  void tell(GenerationEvent event) const { handler_(std::move(event)); }

  // What the client is to hear of it: nothing when it has heard that already. Fails when the replica leaves tokens out,
  // or contradicts what has been told: then one of its promises is broken, and the request with it.
  [[nodiscard]] Result<std::optional<GenerationEvent>> take(TokenUpdate update);

  // A guess at what is still to be computed: the prompt that is not cached, until there is a token, and some output.
  [[nodiscard]] int64_t outstanding_tokens() const;

  // A request that replicas die of gives no token between their deaths. After two of them it is suspect, and from then
  // on run alone; after two more it was the cause.
  void on_replica_lost() { ++deaths_; }
  [[nodiscard]] bool suspect() const { return deaths_ >= 2; }
  [[nodiscard]] bool guilty() const { return deaths_ >= 4; }

  std::optional<size_t> replica;  // that it runs on
  int64_t cached_there = 0;       // tokens of the prompt, as far as is known

 private:
  Generator::Handler handler_;
  int deaths_ = 0;  // of its replicas, since the last token
};

}  // namespace kerf
