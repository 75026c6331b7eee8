#include "kerf/serve/event_loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace kerf {

namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

// Handlers that Asio has queued already come even after a cancellation, so they hold what they look at, and the handle
// says whether anybody still wants to hear.

class AsioTimer final : public EventLoop::Timer {
 public:
  AsioTimer(asio::io_context& context, EventLoop::Clock::duration delay, EventLoop::Callback callback)
      : timer_(context, delay), callback_(std::make_shared<EventLoop::Callback>(std::move(callback))) {
    timer_.async_wait([wanted = std::weak_ptr(callback_)](const boost::system::error_code& error) {
      if (const auto call = wanted.lock(); call && !error) (*call)();
    });
  }

 private:
  asio::steady_timer timer_;
  std::shared_ptr<EventLoop::Callback> callback_;
};

class AsioWatch final : public EventLoop::Watch {
 public:
  AsioWatch(asio::io_context& context, int fd, EventLoop::Callback on_readable)
      : state_(std::make_shared<State>(context, fd, std::move(on_readable))) {
    wait(state_);
  }
  ~AsioWatch() override {
    state_->ended = true;
    state_->descriptor.release();
  }

  void when_writable(EventLoop::Callback callback) override {
    state_->descriptor.async_wait(stream_descriptor::wait_write,
                                  [state = state_, call = std::move(callback)](const boost::system::error_code& error) {
                                    if (!error && !state->ended) call();
                                  });
  }

 private:
  struct State {
    State(asio::io_context& context, int fd, EventLoop::Callback callback)
        : descriptor(context, fd), on_readable(std::move(callback)) {}
    stream_descriptor descriptor;
    EventLoop::Callback on_readable;
    bool ended = false;
  };

  static void wait(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(stream_descriptor::wait_read, [state](const boost::system::error_code& error) {
      if (error || state->ended) return;
      state->on_readable();
      if (!state->ended) wait(state);
    });
  }

  std::shared_ptr<State> state_;
};

class AsioLoop final : public EventLoop {
 public:
  explicit AsioLoop(asio::io_context& context) : context_(context) {}

  [[nodiscard]] Clock::time_point now() const override { return Clock::now(); }
  void post(Callback callback) override { asio::post(context_, std::move(callback)); }
  std::unique_ptr<Timer> after(Clock::duration delay, Callback callback) override {
    return std::make_unique<AsioTimer>(context_, delay, std::move(callback));
  }
  std::unique_ptr<Watch> watch(int fd, Callback on_readable) override {
    return std::make_unique<AsioWatch>(context_, fd, std::move(on_readable));
  }

 private:
  asio::io_context& context_;
};

}  // namespace

std::unique_ptr<EventLoop> make_event_loop(boost::asio::io_context& context) {
  return std::make_unique<AsioLoop>(context);
}

}  // namespace kerf
