// FrameSocket: whole messages over a stream socket: four bytes of length, little-endian, then so many bytes.
//
// Nothing here blocks. What the peer does not take yet is kept, up to a bound: a peer that does not read any more is as
// good as gone.
//
// Threading: one thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/wire.h"

namespace kerf {

// A prompt of the longest --max-model-len, 2^24 tokens of at most 3 bytes, has room.
inline constexpr size_t kMaxFrameBytes = size_t{64} << 20;
// What may wait for the peer to read.
inline constexpr size_t kMaxUnsentBytes = size_t{256} << 20;

class FrameSocket {
 public:
  // Takes over a connected socket.
  explicit FrameSocket(int fd);
  ~FrameSocket();
  FrameSocket(const FrameSocket&) = delete;
  FrameSocket& operator=(const FrameSocket&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

  // Sends a message, or keeps it until flush() can. False: the peer is gone or reads too slowly.
  bool send(std::span<const std::byte> message);
  bool flush();
  // Whether flush() has something to do once the socket is writable.
  [[nodiscard]] bool has_unsent() const { return sent_ < unsent_.size(); }

  // Appends the messages that have come. Fails when the peer is gone or sends a frame that is too long; what came
  // before that is appended all the same.
  [[nodiscard]] Status receive(std::vector<Bytes>& messages);

 private:
  [[nodiscard]] Status split(std::vector<Bytes>& messages);

  int fd_;
  Bytes unsent_;
  size_t sent_ = 0;  // of unsent_
  Bytes chunk_;      // what one recv() takes
  Bytes received_;   // the beginning of a frame
};

}  // namespace kerf
