#include "kerf/serve/seeing/watched_generator.h"

#include <memory>
#include <utility>

namespace kerf {

namespace {

constexpr int kOk = 200;
constexpr int kClientLeft = 499;  // as nginx has it

void see(Observer& observer, RequestId id, const GenerationEvent& event) {
  const double now = monotonic_s();
  observer.on_tokens(id, static_cast<int64_t>(event.tokens.size()), now, event.cached_tokens);
  if (event.refusal) {
    observer.on_finished(id, FinishReason::kError, event.refusal->http_status(), now);
  } else if (event.finish) {
    observer.on_finished(id, *event.finish, kOk, now);
  }
}

}  // namespace

// The id is known only when the request is taken; events come later, from the event loop.
Generator::Submitted WatchedGenerator::submit(Request request, Handler handler) {
  const auto id = std::make_shared<RequestId>(0);
  Submitted submitted = generator_.submit(std::move(request), [this, id, handler = std::move(handler)](auto event) {
    see(observer_, *id, event);
    handler(std::move(event));
  });
  *id = submitted.id;
  return submitted;
}

void WatchedGenerator::cancel(RequestId id, FinishReason why) {
  generator_.cancel(id, why);
  observer_.on_finished(id, why, why == FinishReason::kStop ? kOk : kClientLeft, monotonic_s());
}

}  // namespace kerf
