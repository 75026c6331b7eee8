#include "kerf/base/shm.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>
#include <system_error>

namespace kerf {

namespace {

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

SharedMemory::SharedMemory(size_t bytes) : bytes_(bytes), fd_(memfd_create("kerf", MFD_CLOEXEC)) {
  if (fd_ < 0) throw_errno("cannot create shared memory");
  if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
    close(fd_);
    throw_errno(fmt::format("cannot create {} bytes of shared memory", bytes));
  }
  map("cannot map shared memory");
}

SharedMemory::SharedMemory(pid_t creator, int creators_fd, size_t bytes) : bytes_(bytes) {
  const std::string path = fmt::format("/proc/{}/fd/{}", creator, creators_fd);
  fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0) throw_errno("cannot open shared memory " + path);
  map("cannot map another process's shared memory");
}

void SharedMemory::map(const char* what) {
  void* data = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd_, 0);
  if (data == MAP_FAILED) {
    close(fd_);
    throw_errno(what);
  }
  data_ = static_cast<std::byte*>(data);
}

SharedMemory::~SharedMemory() {
  munmap(data_, bytes_);
  close(fd_);
}

void SharedCounter::raise(uint32_t to) {
  // Sequentially consistent on both sides: either this sees the sleeper, or the sleeper's futex call
  // sees the new value.
  value_.store(to, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0) {
    syscall(SYS_futex, &value_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
}

void SharedCounter::sleep(uint32_t seen, std::chrono::nanoseconds timeout) {
  const timespec relative{.tv_sec = timeout.count() / 1'000'000'000, .tv_nsec = timeout.count() % 1'000'000'000};
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &value_, FUTEX_WAIT, seen, &relative, nullptr, 0);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

ProcessWatch::ProcessWatch(pid_t pid) : pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {
  if (pidfd_ < 0 && errno != ESRCH) throw_errno(fmt::format("cannot watch process {}", pid));
}

ProcessWatch::~ProcessWatch() {
  if (pidfd_ >= 0) close(pidfd_);
}

bool ProcessWatch::dead() const {
  pollfd ended{.fd = pidfd_, .events = POLLIN, .revents = 0};
  return pidfd_ < 0 || poll(&ended, 1, 0) == 1;
}

}  // namespace kerf
