#include "kerf/engine/engine.h"

#include <utility>

namespace kerf {

std::vector<SequenceUpdate> Engine::step() {
  while (const std::optional<Step> step = scheduler_.next()) worker_.submit(*step);
  if (scheduler_.num_in_flight() == 0) return {};
  Result<std::vector<SequenceUpdate>> updates = scheduler_.on_output(worker_.collect());
  KERF_CHECK(updates.ok(), updates.ok() ? "" : updates.error().message);
  return std::move(updates).value();
}

void Engine::keep_alive() {
  KERF_CHECK(idle(), "a busy engine's steps keep its ranks waiting");
  worker_.submit(Step{});
}

void Engine::stop() {
  while (scheduler_.num_in_flight() > 0) (void)scheduler_.on_output(worker_.collect());
  Step step;
  step.stop = true;
  worker_.submit(step);
}

}  // namespace kerf
