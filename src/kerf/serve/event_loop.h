// EventLoop: the front's one thread as its parts see it: timers, descriptors, things to do later. The interface keeps
// Boost.Asio out of headers, and lets tests have a clock of their own.
//
// Threading: everything on the loop's thread. A callback may destroy any handle, its own included.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace kerf {

class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Callback = std::function<void()>;

  virtual ~EventLoop() = default;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] virtual Clock::time_point now() const = 0;

  // Soon, but not now.
  virtual void post(Callback callback) = 0;

  // Destroying it takes the appointment back.
  class Timer {
   public:
    Timer() = default;
    virtual ~Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
  };
  [[nodiscard]] virtual std::unique_ptr<Timer> after(Clock::duration delay, Callback callback) = 0;

  // Destroying it ends the watch; the descriptor, which must stay open until then, is not closed.
  class Watch {
   public:
    Watch() = default;
    virtual ~Watch() = default;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    // Once, as soon as the descriptor can be written.
    virtual void when_writable(Callback callback) = 0;
  };
  // Calls on_readable as long as there is something to read, or an end. One watch per descriptor.
  [[nodiscard]] virtual std::unique_ptr<Watch> watch(int fd, Callback on_readable) = 0;

 protected:
  EventLoop() = default;
};

// The context must outlive the loop and whatever it gave out.
[[nodiscard]] std::unique_ptr<EventLoop> make_event_loop(boost::asio::io_context& context);

}  // namespace kerf
