// kerf's engine as a Runner, with the real clock.
#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include "kerf/apps/predict/runner.h"
#include "kerf/engine/engine.h"

namespace kerf {

class EngineRunner final : public Runner {
 public:
  // Keeps a reference to the engine.
  EngineRunner(Engine& engine, std::function<CommStats()> comm) : engine_(engine), comm_(std::move(comm)) {}

  Status add(Request request) override { return engine_.add(std::move(request)); }
  bool end(RequestId request) override { return engine_.end(request); }
  [[nodiscard]] bool idle() const override { return engine_.idle(); }
  std::vector<SequenceUpdate> step() override { return engine_.step(); }
  [[nodiscard]] double now_s() const override {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  [[nodiscard]] CommSeconds comm() const override { return CommSeconds::of(comm_()); }

 private:
  Engine& engine_;
  std::function<CommStats()> comm_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace kerf
