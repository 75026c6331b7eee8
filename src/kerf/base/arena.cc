#include "kerf/base/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#include "kerf/base/check.h"

namespace kerf {

namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kSmallPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;      // x86-64
constexpr size_t kRegionBytes = size_t{64} << 20;  // address space, not memory: pages come when they are touched

constexpr size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

std::byte* map(size_t bytes) {
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(mapped);
}

}  // namespace

// Address space that begins at a huge page, given out front to back.
class Buffer::Region {
 public:
  explicit Region(size_t bytes) : size_(bytes), mapped_(map(bytes + kHugePage)) {
    const size_t past = reinterpret_cast<uintptr_t>(mapped_) % kHugePage;
    begin_ = mapped_ + (past == 0 ? 0 : kHugePage - past);
    madvise(begin_, size_, MADV_HUGEPAGE);  // only advice: fails where there are none
  }
  ~Region() { munmap(mapped_, size_ + kHugePage); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // nullptr when there is no room left.
  std::byte* take(size_t bytes) {
    if (bytes > size_ - used_) return nullptr;
    std::byte* taken = begin_ + used_;
    used_ += round_up(bytes, kSmallPage);
    if (used_ > size_) used_ = size_;
    return taken;
  }

 private:
  size_t size_;
  std::byte* mapped_;
  std::byte* begin_ = nullptr;
  size_t used_ = 0;
};

Buffer::Buffer(size_t bytes, Pages pages) : size_(bytes) {
  if (bytes == 0) return;
  if (pages == Pages::kSmall) {
    data_ = map(bytes);
    return;
  }
  thread_local std::weak_ptr<Region> current;
  region_ = current.lock();
  data_ = region_ != nullptr ? region_->take(bytes) : nullptr;
  if (data_ == nullptr) {
    region_ = std::make_shared<Region>(std::max(kRegionBytes, round_up(bytes, kHugePage)));
    current = region_;
    data_ = region_->take(bytes);
  }
}

Buffer::~Buffer() {
  if (data_ != nullptr && region_ == nullptr) munmap(data_, size_);
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      region_(std::move(other.region_)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(region_, other.region_);
  return *this;
}

std::byte* Arena::take_bytes(size_t bytes) {
  const size_t begin = used_;
  used_ = (begin + bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  KERF_CHECK(used_ <= buffer_.size(), "scratch arena exhausted");
  return buffer_.data() + begin;
}

}  // namespace kerf
