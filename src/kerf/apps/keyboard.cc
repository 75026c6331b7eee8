#include "kerf/apps/keyboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <system_error>

namespace kerf {

namespace {
bool in_foreground() { return tcgetpgrp(STDIN_FILENO) == getpgrp(); }
}  // namespace

Keyboard::Keyboard() {
  if (pipe2(ends_.data(), O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot open a pipe");
}

Keyboard::~Keyboard() {
  for (const int end : ends_) {
    if (end >= 0) close(end);
  }
}

// A pipe that poll calls writable takes PIPE_BUF bytes without blocking.
bool Keyboard::room() const {
  pollfd pipe{.fd = ends_[1], .events = POLLOUT, .revents = 0};
  return poll(&pipe, 1, 0) == 1;
}

pollfd Keyboard::interest() const {
  if (ends_[1] < 0 || !in_foreground()) return {.fd = -1, .events = 0, .revents = 0};
  if (!room()) return {.fd = ends_[1], .events = POLLOUT, .revents = 0};
  return {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
}

void Keyboard::pump() {
  if (ends_[1] < 0 || !in_foreground() || !room()) return;
  std::array<char, PIPE_BUF> keys{};
  const ssize_t got = read(STDIN_FILENO, keys.data(), keys.size());
  if (got < 0 && errno == EINTR) return;
  if (got <= 0 || write(ends_[1], keys.data(), static_cast<size_t>(got)) != got) {
    close(ends_[1]);
    ends_[1] = -1;
  }
}

}  // namespace kerf
