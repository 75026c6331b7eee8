#include "kerf/serve/signal_watch.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace kerf {

SignalWatch::SignalWatch(EventLoop& loop, std::initializer_list<int> signals, std::function<void(int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int signal : signals) sigaddset(&taken, signal);
  sigprocmask(SIG_BLOCK, &taken, nullptr);
  fd_ = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "cannot listen for signals");
  watch_ = loop.watch(fd_, [this] { read_all(); });
}

SignalWatch::~SignalWatch() {
  watch_.reset();
  close(fd_);
}

void SignalWatch::read_all() {
  signalfd_siginfo info{};
  while (read(fd_, &info, sizeof(info)) == sizeof(info)) on_signal_(static_cast<int>(info.ssi_signo));
}

}  // namespace kerf
