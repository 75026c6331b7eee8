#include "kerf/comm/shm.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "kerf/base/check.h"
#include "kerf/comm/merge.h"

namespace kerf {

namespace {

using std::chrono::steady_clock;

constexpr int64_t kSlotBytes = 256 << 10;    // two slots of a few ranks fit a core's 1 MB of L2 cache
constexpr int64_t kPipeBytes = 4 << 20;      // one microbatch of 256 tokens of 4096 f32 in flight
constexpr int64_t kBlockBytes = 128 << 10;   // a pipe's reader starts while the writer still writes
constexpr int64_t kOnePassBytes = 64 << 10;  // up to here reading everything beats more rounds, for more than two ranks
// Two ranks read nodes where they lie from here on: half a core's L2 cache, which a matmul's weights have pushed them
// out of. Smaller ones, of decoding steps, should still sit in the writer's cache, and would have to be claimed back
// from the reader's before they can be written again. 4 MB were seen to gain; where between is best was not measured.
constexpr int64_t kPublishFrom = 512 << 10;
constexpr int64_t kNodeBytes = 32 << 20;  // 1024 tokens of 8192 f32
constexpr auto kTick = std::chrono::milliseconds(20);
// Waking a sleeper costs about 50 us; spinning as long as that is at most twice the best possible.
constexpr auto kSpin = std::chrono::microseconds(50);

enum : uint32_t { kRunning, kAborting, kAborted };

struct alignas(128) Header {
  std::atomic<uint32_t> state;
  std::array<char, 1000> why;
};

struct Slot {
  alignas(64) int64_t rest;  // all_to_all: bytes of this rank's longest part still to come
  alignas(64) std::array<std::byte, kSlotBytes> bytes;
};

// Nodes of one sum, read by the peers where they were written.
struct Nodes {
  alignas(64) std::array<std::byte, kNodeBytes> bytes;
};

constexpr bool publishes(int size) { return size == 2; }

struct Pipe {
  SharedCounter written;
  SharedCounter read;
  std::array<std::byte, kPipeBytes> ring;
};

int64_t part_size(std::span<const int64_t> bounds, int rank) {
  return bounds[static_cast<size_t>(rank) + 1] - bounds[static_cast<size_t>(rank)];
}

int64_t largest_part(std::span<const int64_t> bounds) {
  int64_t largest = 0;
  for (size_t r = 0; r + 1 < bounds.size(); ++r) largest = std::max(largest, bounds[r + 1] - bounds[r]);
  return largest;
}

void copy_bytes(std::byte* to, const std::byte* from, int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, static_cast<size_t>(bytes));
}

class Shm final : public Communicator {
 public:
  Shm(int rank, ShmGroup group)
      : Communicator(rank, static_cast<int>(group.names.size())),
        group_(std::move(group)),
        header_(reinterpret_cast<Header*>(group_.memory->data())),
        posted_(reinterpret_cast<SharedCounter*>(header_ + 1)),
        slots_(reinterpret_cast<Slot*>(posted_ + size())),
        pipes_(reinterpret_cast<Pipe*>(slots_ + 2 * size())),
        nodes_(reinterpret_cast<Nodes*>(pipes_ + size() * size())),
        items_(static_cast<size_t>(size()) * kMaxSlices) {}

  [[nodiscard]] std::string_view kind() const override { return group_.watches.empty() ? "thread" : "shm"; }

  void abort(std::string_view why) noexcept override { abort_shm(*group_.memory, why); }

  // Two areas per rank, used in turn: a rank writes into one again after everyone has published the other, and so has
  // finished reading.
  [[nodiscard]] float* node_memory(int64_t n, const ReductionTree& tree) override {
    const int64_t bytes = tree.max_nodes() * n * 4;
    return publishes(size()) && bytes >= kPublishFrom && bytes <= kNodeBytes ? nodes_of(rank(), publications_)
                                                                             : nullptr;
  }

 private:
  // ---- rounds ----

  // The slot of `rank` in the round that is being written, and after post() in the one to be read.
  [[nodiscard]] Slot& slot(int rank) const { return slots_[2 * rank + static_cast<int>(round_ & 1)]; }

  void post() {
    posted_[rank()].raise(round_ + 1);
    for (int peer = 0; peer < size(); ++peer) wait(posted_[peer], round_ + 1, peer);
  }

  // Calls write(own slot), posts, calls read() for the slots of all.
  template <typename Write, typename Read>
  void do_round(const Write& write, const Read& read) {
    check();
    write(slot(rank()));
    post();
    read();
    ++round_;
  }

  // For two ranks: writes one byte in every cache line that was read, so that it leaves the writer's
  // cache. When the writer fills the slot again it fetches lines that one core owns, which is up to 4
  // times faster than claiming lines that two cores share (8 KB: 0.2 against 0.85 us).
  void take_lines(std::byte* begin, int64_t bytes) const {
    if (size() != 2) return;
    for (int64_t i = 0; i < bytes; i += 64) *static_cast<volatile std::byte*>(begin + i) = {};
  }

  void fetch(std::byte* to, std::byte* from, int64_t bytes) const {
    copy_bytes(to, from, bytes);
    take_lines(from, bytes);
  }

  // ---- collectives ----

  void do_all_reduce(const float* nodes, float* sum, int64_t n, const ReductionTree& tree) override {
    if (size() > 2 && tree.max_nodes() * n * 4 > kOnePassBytes) {
      const std::vector<int64_t> bounds = even_bounds(n, size());
      do_reduce_scatter(nodes, sum + bounds[static_cast<size_t>(rank())], n, tree, bounds);
      std::vector<int64_t> bytes = bounds;
      for (int64_t& bound : bytes) bound *= 4;
      auto* whole = reinterpret_cast<std::byte*>(sum);
      do_all_gather(whole + bytes[static_cast<size_t>(rank())], whole, bytes);
      return;
    }
    const int64_t step = kSlotBytes / 4 / tree.max_nodes();
    for (int64_t begin = 0; begin < n; begin += step) {
      const int64_t length = std::min(step, n - begin);
      const auto source = [&](int k) { return reinterpret_cast<const std::byte*>(nodes + k * n + begin); };
      do_round(
          [&](Slot& own) {
            for (int k = 0; k < tree.nodes(rank()); ++k) {
              copy_bytes(own.bytes.data() + k * length * 4, source(k), length * 4);
            }
          },
          [&] {
            merge_from(tree, nodes + begin, n, length, sum + begin, [&](int peer) { return slot(peer).bytes.data(); });
          });
    }
  }

  [[nodiscard]] float* nodes_of(int rank, uint32_t publication) const {
    return reinterpret_cast<float*>(nodes_[2 * rank + static_cast<int>(publication & 1)].bytes.data());
  }

  void do_publish(int64_t n) override {
    do_round([](Slot&) {}, [] {});
    ++publications_;
    published_n_ = n;
  }

  void do_sum_published(float* piece, int64_t begin, int64_t length, const ReductionTree& tree) const override {
    std::array<const float*, kMaxSlices> items;  // NOLINT(cppcoreguidelines-pro-type-member-init): a tree has no more
    size_t item = 0;
    for (int r = 0; r < size(); ++r) {
      for (int k = 0; k < tree.nodes(r); ++k) items[item++] = nodes_of(r, publications_ - 1) + k * published_n_ + begin;
    }
    merge(tree.finish(), std::span(items).first(item), length, std::array{piece});
  }

  // Sums the finished tree of n elements. Own nodes are at `nodes`, `stride` apart; those of a peer
  // at at(peer), n apart.
  template <typename At>
  void merge_from(const ReductionTree& tree, const float* nodes, int64_t stride, int64_t n, float* sum, const At& at) {
    size_t item = 0;
    for (int r = 0; r < size(); ++r) {
      const bool own = r == rank();
      const float* first = own ? nodes : reinterpret_cast<const float*>(at(r));
      for (int k = 0; k < tree.nodes(r); ++k) items_[item++] = first + k * (own ? stride : n);
    }
    merge(tree.finish(), std::span(items_).first(item), n, std::array{sum});
    for (int r = 0; r < size(); ++r) {
      if (r != rank()) take_lines(at(r), tree.nodes(r) * n * 4);
    }
  }

  // Round i carries elements [i·step, (i+1)·step) of every part: slot = [p, k, step] f32.
  void do_reduce_scatter(const float* nodes, float* part, int64_t n, const ReductionTree& tree,
                         std::span<const int64_t> bounds) override {
    const int64_t step = kSlotBytes / 4 / size() / tree.max_nodes();
    const int64_t most = largest_part(bounds);
    const auto area = [&](Slot& slot, int to) { return slot.bytes.data() + to * tree.max_nodes() * step * 4; };
    for (int64_t begin = 0; begin < most; begin += step) {
      const auto length = [&](int r) { return std::clamp<int64_t>(part_size(bounds, r) - begin, 0, step); };
      const auto source = [&](int r) { return nodes + bounds[static_cast<size_t>(r)] + begin; };
      do_round(
          [&](Slot& own) {
            for (int to = 0; to < size(); ++to) {
              const int64_t bytes = length(to) * 4;
              for (int k = 0; k < tree.nodes(rank()) && to != rank(); ++k) {
                copy_bytes(area(own, to) + k * bytes, reinterpret_cast<const std::byte*>(source(to) + k * n), bytes);
              }
            }
          },
          [&] {
            merge_from(tree, source(rank()), n, length(rank()), part + begin,
                       [&](int peer) { return area(slot(peer), rank()); });
          });
    }
  }

  void do_all_gather(const std::byte* part, std::byte* whole, std::span<const int64_t> bounds) override {
    const auto place = [&](int r) { return whole + bounds[static_cast<size_t>(r)]; };
    if (part != place(rank()) && part_size(bounds, rank()) > 0) {
      std::memmove(place(rank()), part, static_cast<size_t>(part_size(bounds, rank())));
    }
    const int64_t most = largest_part(bounds);
    for (int64_t begin = 0; begin < most; begin += kSlotBytes) {
      const auto length = [&](int r) { return std::clamp<int64_t>(part_size(bounds, r) - begin, 0, kSlotBytes); };
      do_round([&](Slot& own) { copy_bytes(own.bytes.data(), place(rank()) + begin, length(rank())); },
               [&] {
                 for (int r = 0; r < size(); ++r) {
                   if (r != rank()) fetch(place(r) + begin, slot(r).bytes.data(), length(r));
                 }
               });
    }
  }

  // Round i carries bytes [i·step, (i+1)·step) of every pair's part: slot = [p, step]. A rank knows
  // only its own parts, so each slot says what is left, and all stop together.
  void do_all_to_all(const std::byte* in, std::span<const int64_t> to, std::byte* out,
                     std::span<const int64_t> from) override {
    const int64_t step = kSlotBytes / size() / 64 * 64;
    const int64_t most = largest_part(to);
    int64_t rest = 1;
    for (int64_t begin = 0; rest > 0; begin += step) {
      const auto piece = [&](std::span<const int64_t> bounds, int r) {
        return std::clamp<int64_t>(part_size(bounds, r) - begin, 0, step);
      };
      do_round(
          [&](Slot& own) {
            own.rest = std::max<int64_t>(0, most - begin - step);
            for (int r = 0; r < size(); ++r) {
              copy_bytes(own.bytes.data() + r * step, in + to[static_cast<size_t>(r)] + begin, piece(to, r));
            }
          },
          [&] {
            rest = 0;
            for (int r = 0; r < size(); ++r) {
              rest = std::max(rest, slot(r).rest);
              fetch(out + from[static_cast<size_t>(r)] + begin, slot(r).bytes.data() + rank() * step, piece(from, r));
            }
          });
    }
  }

  void do_broadcast(std::byte* data, int64_t bytes, int root) override {
    for (int64_t begin = 0; begin < bytes; begin += kSlotBytes) {
      const int64_t length = std::min(kSlotBytes, bytes - begin);
      do_round(
          [&](Slot& own) {
            if (rank() == root) copy_bytes(own.bytes.data(), data + begin, length);
          },
          [&] {
            if (rank() != root) fetch(data + begin, slot(root).bytes.data(), length);
          });
    }
  }

  // ---- point to point: pipes ----

  [[nodiscard]] Pipe& pipe(int from, int to) const { return pipes_[from * size() + to]; }

  // Splits `bytes` at blocks' ends and at the end of the ring; `at` is the pipe's position.
  template <typename Transfer>
  static void for_each_block(int64_t bytes, uint32_t at, const Transfer& transfer) {
    for (int64_t done = 0; done < bytes;) {
      const int64_t offset = static_cast<int64_t>(at) % kPipeBytes;
      const int64_t length = std::min({bytes - done, kBlockBytes, kPipeBytes - offset});
      transfer(done, offset, static_cast<uint32_t>(length));
      done += length;
      at += static_cast<uint32_t>(length);
    }
  }

  void do_send(const std::byte* data, int64_t bytes, int to) override {
    check();
    Pipe& p = pipe(rank(), to);
    for_each_block(bytes, p.written.load(), [&](int64_t done, int64_t offset, uint32_t length) {
      const uint32_t end = p.written.load() + length;
      wait(p.read, end - static_cast<uint32_t>(kPipeBytes), to);
      copy_bytes(p.ring.data() + offset, data + done, length);
      p.written.raise(end);
    });
  }

  void do_recv(std::byte* data, int64_t bytes, int from) override {
    check();
    Pipe& p = pipe(from, rank());
    for_each_block(bytes, p.read.load(), [&](int64_t done, int64_t offset, uint32_t length) {
      const uint32_t end = p.read.load() + length;
      wait(p.written, end, from);
      copy_bytes(data + done, p.ring.data() + offset, length);
      p.read.raise(end);
    });
  }

  // ---- waiting ----

  void wait(SharedCounter& counter, uint32_t target, int peer) {
    if (counter.reached(target)) return;
    const auto start = steady_clock::now();
    while (group_.spin && steady_clock::now() - start < kSpin) {
      for (int i = 0; i < 16; ++i) {
        if (counter.reached(target)) return;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      }
    }
    while (true) {
      // Looked at before the counter: what a peer posted before it left still counts.
      const bool dead = !group_.watches.empty() && group_.watches[static_cast<size_t>(peer)].dead();
      const uint32_t seen = counter.load();
      if (counter.reached(target)) return;
      check();
      const std::string& name = group_.names[static_cast<size_t>(peer)];
      if (dead) fail(fmt::format("{} died", name));
      const auto waited = steady_clock::now() - start;
      if (waited >= group_.deadline) {
        fail(fmt::format("{} waited {:.3g} s for {} in vain", group_.names[static_cast<size_t>(rank())],
                         std::chrono::duration<double>(group_.deadline).count(), name));
      }
      counter.sleep(seen, std::min<std::chrono::nanoseconds>(kTick, group_.deadline - waited));
    }
  }

  [[noreturn]] void fail(const std::string& why) {
    abort(why);
    check();
    throw CommError(why);
  }

  // Throws if the group was aborted.
  void check() const {
    if (header_->state.load(std::memory_order_acquire) == kAborted) throw CommError(header_->why.data());
  }

  ShmGroup group_;
  Header* header_;
  SharedCounter* posted_;  // [p]
  Slot* slots_;            // [p, 2]
  Pipe* pipes_;            // [p, p]
  Nodes* nodes_;           // [p, 2], of two ranks
  std::vector<const float*> items_;
  uint32_t round_ = 0;         // rounds completed
  uint32_t publications_ = 0;  // of nodes
  int64_t published_n_ = 0;    // elements of each node of the last one
};

}  // namespace

size_t shm_bytes(int size) {
  const auto p = static_cast<size_t>(size);
  const size_t nodes = publishes(size) ? 2 * p * sizeof(Nodes) : 0;
  return sizeof(Header) + p * sizeof(SharedCounter) + 2 * p * sizeof(Slot) + p * p * sizeof(Pipe) + nodes;
}

void abort_shm(SharedMemory& memory, std::string_view why) noexcept {
  auto& header = *reinterpret_cast<Header*>(memory.data());
  uint32_t state = kRunning;
  if (!header.state.compare_exchange_strong(state, kAborting)) return;
  std::memcpy(header.why.data(), why.data(), std::min(why.size(), header.why.size() - 1));
  header.state.store(kAborted, std::memory_order_release);
}

std::unique_ptr<Communicator> make_shm(int rank, ShmGroup group) {
  return std::make_unique<Shm>(rank, std::move(group));
}

std::vector<std::unique_ptr<Communicator>> make_thread_group(int size, std::chrono::milliseconds deadline,
                                                             std::shared_ptr<SharedMemory> memory) {
  if (!memory) memory = std::make_shared<SharedMemory>(shm_bytes(size));
  std::vector<std::string> names;
  for (int r = 0; r < size; ++r) names.push_back(fmt::format("rank {}", r));
  std::vector<std::unique_ptr<Communicator>> group;
  for (int r = 0; r < size; ++r) {
    group.push_back(make_shm(r, {.memory = memory,
                                 .names = names,
                                 .watches = {},
                                 .spin = size <= static_cast<int>(std::thread::hardware_concurrency()),
                                 .deadline = deadline}));
  }
  return group;
}

}  // namespace kerf
