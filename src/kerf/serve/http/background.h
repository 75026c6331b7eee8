// Background: a thread for work that would keep the event loop from its streams.
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace kerf {

class Background {
 public:
  virtual ~Background() = default;
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Runs `work` on another thread, after what was given before, then `then` on the event loop's.
  virtual void run(std::function<void()> work, std::function<void()> then) = 0;

 protected:
  Background() = default;
};

// One thread that no signal interrupts. It ends with the object: work that has not begun is dropped, with its `then`.
// loop outlives it.
[[nodiscard]] std::unique_ptr<Background> make_background(boost::asio::io_context& loop);

// Everything at once, on the caller's thread.
class NoBackground : public Background {
 public:
  void run(std::function<void()> work, std::function<void()> then) override {
    work();
    then();
  }
};

}  // namespace kerf
