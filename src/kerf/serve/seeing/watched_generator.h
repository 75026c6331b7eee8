// WatchedGenerator: a generator whose requests the observer sees: every token, and how they end. When one comes and
// where it goes is the dispatcher's to tell (DispatcherEvents).
#pragma once

#include "kerf/serve/generator.h"
#include "kerf/serve/seeing/observer.h"

namespace kerf {

// Threading: as Generator. What it refers to outlives it.
class WatchedGenerator final : public Generator {
 public:
  WatchedGenerator(Generator& generator, Observer& observer) : generator_(generator), observer_(observer) {}

  [[nodiscard]] Submitted submit(Request request, Handler handler) override;
  void cancel(RequestId id, FinishReason why) override;

 private:
  Generator& generator_;
  Observer& observer_;
};

}  // namespace kerf
