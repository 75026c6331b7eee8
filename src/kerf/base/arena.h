// Arena: scratch memory sized once; taking from it is adding to an offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace kerf {

// Page-aligned, zeroed, touched lazily by whoever writes first (so NUMA-local to the writer).
// Move-only.
class Buffer {
 public:
  enum class Pages {
    kSmall,
    // Where the system has them: for what is written whole and read often. A touch takes 2 MiB. Buffers of one thread
    // lie side by side in regions that begin at a huge page, so that small ones have huge pages too; a region
    // goes back to the system with the last buffer in it.
    kHuge
  };
  class Region;

  Buffer() = default;
  explicit Buffer(size_t bytes, Pages pages = Pages::kSmall);  // throws std::bad_alloc
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::shared_ptr<Region> region_;  // that data_ lies in; none: data_ is a mapping of its own
};

// Threading: one thread.
class Arena {
 public:
  explicit Arena(size_t capacity_bytes) : buffer_(capacity_bytes) {}

  // n uninitialised elements, aligned to a cache line. They live until the enclosing Frame ends.
  // REQUIRES: capacity; running out is a broken invariant.
  template <typename T>
  [[nodiscard]] T* take(int64_t n) {
    return reinterpret_cast<T*>(take_bytes(static_cast<size_t>(n) * sizeof(T)));
  }
  [[nodiscard]] std::byte* take_bytes(size_t bytes);

  // Gives back, when it ends, everything taken since it began.
  class Frame {
   public:
    explicit Frame(Arena& arena) : arena_(arena), mark_(arena.used_) {}
    ~Frame() { arena_.used_ = mark_; }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

   private:
    Arena& arena_;
    size_t mark_;
  };

 private:
  Buffer buffer_;
  size_t used_ = 0;
};

}  // namespace kerf
