// An EventLoop whose clock a test turns. It watches no descriptors.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "kerf/base/check.h"
#include "kerf/serve/event_loop.h"

namespace kerf::testing {

class ManualLoop final : public EventLoop {
 public:
  [[nodiscard]] Clock::time_point now() const override { return now_; }
  void post(Callback callback) override {
    posted_.push_back(std::make_shared<Callback>(std::move(callback)));
    due_.emplace(now_, posted_.back());
  }

  std::unique_ptr<Timer> after(Clock::duration delay, Callback callback) override {
    auto timer = std::make_unique<ManualTimer>();
    timer->callback = std::make_shared<Callback>(std::move(callback));
    due_.emplace(now_ + delay, timer->callback);
    return timer;
  }
  std::unique_ptr<Watch> watch(int /*fd*/, Callback /*on_readable*/) override {
    KERF_CHECK(false, "a manual loop watches nothing");
    return nullptr;
  }

  // Runs what is due until then, in order.
  void advance(Clock::duration duration) {
    const auto until = now_ + duration;
    while (!due_.empty() && due_.begin()->first <= until) {
      now_ = std::max(now_, due_.begin()->first);
      const auto callback = due_.begin()->second.lock();
      due_.erase(due_.begin());
      if (callback) (*callback)();
    }
    now_ = until;
    posted_.clear();
  }

 private:
  struct ManualTimer final : Timer {
    std::shared_ptr<Callback> callback;
  };

  Clock::time_point now_{std::chrono::hours(1)};
  std::vector<std::shared_ptr<Callback>> posted_;
  std::multimap<Clock::time_point, std::weak_ptr<Callback>> due_;  // those of destroyed timers are empty
};

}  // namespace kerf::testing
