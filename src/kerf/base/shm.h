// Memory that several processes (or threads) share, how they wait on it, and how they watch each
// other's lives.
//
// Failing system calls throw std::system_error: without them the program cannot start.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kerf {

// A zeroed mapping of an anonymous file: it has no name, so nothing is left behind in /dev/shm when
// its processes are killed, and its size is not limited by that file system. Pages cost memory only once
// touched.
class SharedMemory {
 public:
  explicit SharedMemory(size_t bytes);
  // Maps the memory that another process on this machine created and still holds.
  SharedMemory(pid_t creator, int creators_fd, size_t bytes);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  void map(const char* what);
  size_t bytes_;
  int fd_ = -1;
  std::byte* data_ = nullptr;
};

// A counter in shared memory. It wraps around; distances stay below 2^31.
// Threading: one writer, any number of waiters. Sits alone on its pair of cache lines.
class alignas(128) SharedCounter {
 public:
  [[nodiscard]] uint32_t load() const { return value_.load(std::memory_order_acquire); }
  [[nodiscard]] bool reached(uint32_t target) const { return static_cast<int32_t>(load() - target) >= 0; }

  // Publishes everything written before, and wakes whoever sleeps.
  void raise(uint32_t to);

  // Sleeps until the counter moves away from `seen`, or for `timeout` (or less).
  void sleep(uint32_t seen, std::chrono::nanoseconds timeout);

 private:
  std::atomic<uint32_t> value_{0};
  std::atomic<uint32_t> sleepers_{0};
};

// Tells whether a process still runs. A process that ended counts as dead although nobody has
// waited for it yet, and its pid may be used anew without confusing the watch.
class ProcessWatch {
 public:
  explicit ProcessWatch(pid_t pid);
  ~ProcessWatch();
  ProcessWatch(ProcessWatch&& other) noexcept : pidfd_(other.pidfd_) { other.pidfd_ = -1; }
  ProcessWatch& operator=(ProcessWatch&&) = delete;

  [[nodiscard]] bool dead() const;

 private:
  int pidfd_;  // -1: it was dead before the watch began
};

}  // namespace kerf
