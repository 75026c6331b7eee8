#include "kerf/serve/frame_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace kerf {

namespace {

constexpr size_t kHeader = sizeof(uint32_t);
constexpr size_t kReadBytes = size_t{64} << 10;
// Of a buffer that is kept while it is empty: more than all but rare messages.
constexpr size_t kKeptBytes = size_t{1} << 20;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

FrameSocket::FrameSocket(int fd) : fd_(fd), chunk_(kReadBytes) {
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

FrameSocket::~FrameSocket() { close(fd_); }

bool FrameSocket::send(std::span<const std::byte> message) {
  KERF_CHECK(message.size() <= kMaxFrameBytes, "a message longer than a frame may be");
  if (unsent_.size() - sent_ + message.size() > kMaxUnsentBytes) return false;
  // What is sent goes when it is the larger part: a peer that always lags a little must not make it grow.
  if (sent_ > unsent_.size() / 2) {
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<ptrdiff_t>(sent_));
    sent_ = 0;
  }
  const auto size = static_cast<uint32_t>(message.size());
  std::array<std::byte, kHeader> header{};
  std::memcpy(header.data(), &size, kHeader);
  unsent_.insert(unsent_.end(), header.begin(), header.end());
  unsent_.insert(unsent_.end(), message.begin(), message.end());
  return flush();
}

bool FrameSocket::flush() {
  while (has_unsent()) {
    const ssize_t sent = ::send(fd_, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return would_block(errno);
    sent_ += static_cast<size_t>(sent);
  }
  unsent_.clear();
  if (unsent_.capacity() > kKeptBytes) unsent_.shrink_to_fit();
  sent_ = 0;
  return true;
}

Status FrameSocket::receive(std::vector<Bytes>& messages) {
  while (true) {
    const ssize_t got = recv(fd_, chunk_.data(), chunk_.size(), MSG_DONTWAIT);
    const int error = errno;
    if (got > 0) {
      received_.insert(received_.end(), chunk_.begin(), chunk_.begin() + got);
      KERF_TRY_STATUS(split(messages));
      if (static_cast<size_t>(got) == kReadBytes) continue;
      return Ok{};
    }
    if (got == 0) return fail("the connection was closed");
    if (error == EINTR) continue;
    if (would_block(error)) return Ok{};
    return fail("the connection broke: {}", std::strerror(error));
  }
}

Status FrameSocket::split(std::vector<Bytes>& messages) {
  size_t at = 0;
  Status status = Ok{};
  while (received_.size() - at >= kHeader) {
    uint32_t size = 0;
    std::memcpy(&size, received_.data() + at, kHeader);
    if (size > kMaxFrameBytes) {
      status = fail("a message of {} bytes came, more than the {} that one may have", size, kMaxFrameBytes);
      break;
    }
    if (received_.size() - at - kHeader < size) break;
    const auto begin = received_.begin() + static_cast<ptrdiff_t>(at + kHeader);
    messages.emplace_back(begin, begin + size);
    at += kHeader + size;
  }
  received_.erase(received_.begin(), received_.begin() + static_cast<ptrdiff_t>(at));
  if (received_.empty() && received_.capacity() > kKeptBytes) received_.shrink_to_fit();
  return status;
}

}  // namespace kerf
