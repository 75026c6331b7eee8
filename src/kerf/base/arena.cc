#include "kerf/base/arena.h"

#include <sys/mman.h>

#include <new>
#include <utility>

#include "kerf/base/check.h"

namespace kerf {

namespace {
constexpr size_t kCacheLine = 64;
}  // namespace

Buffer::Buffer(size_t bytes, Pages pages) : size_(bytes) {
  if (bytes == 0) return;
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::byte*>(mapped);
  if (pages == Pages::kHuge) madvise(mapped, bytes, MADV_HUGEPAGE);  // only advice: fails where there are none
}

Buffer::~Buffer() {
  if (data_ != nullptr) munmap(data_, size_);
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

std::byte* Arena::take_bytes(size_t bytes) {
  const size_t begin = used_;
  used_ = (begin + bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  KERF_CHECK(used_ <= buffer_.size(), "scratch arena exhausted");
  return buffer_.data() + begin;
}

}  // namespace kerf
