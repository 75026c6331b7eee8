// SignalWatch: signals as events of the loop, not as interruptions.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "kerf/serve/event_loop.h"

namespace kerf {

// Threading: the loop's thread, before the process starts another: the signals are blocked from here on.
class SignalWatch {
 public:
  // Throws std::system_error.
  SignalWatch(EventLoop& loop, std::initializer_list<int> signals, std::function<void(int signal)> on_signal);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  void read_all();

  int fd_;
  std::function<void(int)> on_signal_;
  std::unique_ptr<EventLoop::Watch> watch_;
};

}  // namespace kerf
