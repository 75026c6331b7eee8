#include "kerf/comm/mpi.h"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <thread>

#include "kerf/comm/merge.h"

namespace kerf {

namespace {

using std::chrono::steady_clock;

constexpr int64_t kMessageBytes = 1 << 30;              // MPI counts in int
constexpr int64_t kSmallBytes = 32 << 10;               // up to here latency costs more than bytes (10 us at 25 Gbit/s)
constexpr int64_t kUnsentBytes = int64_t{1} << 28;      // of copies of messages that wait to be received
constexpr auto kSpin = std::chrono::microseconds(50);   // about what being woken costs
constexpr auto kSleep = std::chrono::microseconds(50);  // then ask 20,000 times a second at most

enum Channel : int { kCollective, kPointToPoint, kAbort, kChannels };

class Mpi final : public Communicator {
 public:
  Mpi(MpiLink& link, MpiGroup group)
      : Communicator(static_cast<int>(std::find(group.members.begin(), group.members.end(), link.rank()) -
                                      group.members.begin()),
                     static_cast<int>(group.members.size())),
        link_(link),
        group_(std::move(group)) {
    const std::lock_guard lock(link_.mutex());
    MPI_Irecv(why_received_.data(), static_cast<int>(why_received_.size()) - 1, MPI_BYTE, MPI_ANY_SOURCE, tag(kAbort),
              MPI_COMM_WORLD, &abort_received_);
  }

  ~Mpi() override {
    try {
      if (why_.empty()) reap(0);
    } catch (const CommError&) {  // the peer that never received will be missed by the next group
    }
    const std::lock_guard lock(link_.mutex());
    if (abort_received_ == MPI_REQUEST_NULL) return;
    MPI_Cancel(&abort_received_);
    MPI_Wait(&abort_received_, MPI_STATUS_IGNORE);
  }

  [[nodiscard]] std::string_view kind() const override { return "mpi"; }

  void abort(std::string_view why) noexcept override {
    if (!why_.empty()) return;
    why_ = why;
    const std::lock_guard lock(link_.mutex());
    const int length = std::min(static_cast<int>(why_.size()), static_cast<int>(why_received_.size()) - 1);
    for (int peer = 0; peer < size(); ++peer) {
      MPI_Request sent = MPI_REQUEST_NULL;
      if (peer == rank()) continue;
      MPI_Isend(why_.data(), length, MPI_BYTE, world_rank(peer), tag(kAbort), MPI_COMM_WORLD, &sent);
      MPI_Request_free(&sent);  // small enough to have left
    }
  }

 private:
  [[nodiscard]] int world_rank(int peer) const { return group_.members[static_cast<size_t>(peer)]; }
  [[nodiscard]] int tag(Channel channel) const { return static_cast<int>(group_.id * kChannels + channel); }

  // ---- messages ----

  // One step: the messages started on it travel together; finish() waits for all.
  class Step {
   public:
    Step(Mpi& comm, Channel channel) : comm_(comm), tag_(comm.tag(channel)) { comm_.check(); }
    void send(const void* data, int64_t bytes, int to) {
      each_piece(bytes, [&](int64_t begin, int length) {
        MPI_Isend(static_cast<const std::byte*>(data) + begin, length, MPI_BYTE, comm_.world_rank(to), tag_,
                  MPI_COMM_WORLD, &requests_.emplace_back());
        peers_.push_back(to);
      });
    }
    void recv(void* data, int64_t bytes, int from) {
      each_piece(bytes, [&](int64_t begin, int length) {
        MPI_Irecv(static_cast<std::byte*>(data) + begin, length, MPI_BYTE, comm_.world_rank(from), tag_, MPI_COMM_WORLD,
                  &requests_.emplace_back());
        peers_.push_back(from);
      });
    }
    bool done() {
      const std::lock_guard lock(comm_.link_.mutex());
      int all = 0;
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &all, MPI_STATUSES_IGNORE);
      return all != 0;
    }
    void finish() {
      const auto start = steady_clock::now();
      while (!done()) {
        const auto waited = steady_clock::now() - start;
        if (comm_.group_.spin && waited < kSpin) continue;
        comm_.check();
        if (waited >= comm_.group_.deadline) fail();
        std::this_thread::sleep_for(kSleep);
      }
    }

   private:
    template <typename Start>
    void each_piece(int64_t bytes, const Start& start) {
      const std::lock_guard lock(comm_.link_.mutex());
      for (int64_t begin = 0; begin < bytes; begin += kMessageBytes) {
        start(begin, static_cast<int>(std::min(kMessageBytes, bytes - begin)));
      }
    }
    // The messages stay with MPI, whose buffers end with the job.
    [[noreturn]] void fail() {
      std::string missing = "its peers";
      for (size_t i = 0; i < requests_.size(); ++i) {
        if (requests_[i] != MPI_REQUEST_NULL) missing = comm_.name(peers_[i]);
      }
      const std::string why = fmt::format("{} waited {:.3g} s for {} in vain", comm_.name(comm_.rank()),
                                          std::chrono::duration<double>(comm_.group_.deadline).count(), missing);
      comm_.abort(why);
      throw CommError(why);
    }
    Mpi& comm_;
    int tag_;
    std::vector<MPI_Request> requests_;
    std::vector<int> peers_;
  };

  [[nodiscard]] const std::string& name(int peer) const { return group_.names[static_cast<size_t>(peer)]; }

  // Throws if the group was aborted.
  void check() {
    if (why_.empty()) {
      const std::lock_guard lock(link_.mutex());
      int received = 0;
      if (abort_received_ != MPI_REQUEST_NULL) MPI_Test(&abort_received_, &received, MPI_STATUS_IGNORE);
      if (received != 0) why_ = why_received_.data();
    }
    if (!why_.empty()) throw CommError(why_);
  }

  // ---- collectives ----

  void do_all_reduce(const float* nodes, float* sum, int64_t n, const ReductionTree& tree) override {
    if (tree.max_nodes() * n * 4 > kSmallBytes) {
      const std::vector<int64_t> bounds = even_bounds(n, size());
      do_reduce_scatter(nodes, sum + bounds[static_cast<size_t>(rank())], n, tree, bounds);
      std::vector<int64_t> bytes = bounds;
      for (int64_t& bound : bytes) bound *= 4;
      auto* whole = reinterpret_cast<std::byte*>(sum);
      do_all_gather(whole + bytes[static_cast<size_t>(rank())], whole, bytes);
    } else if (tree.is_recursive_doubling()) {
      recursive_doubling(nodes, sum, n);
    } else {
      sum_ranges(nodes, n, tree, std::vector<Range>(static_cast<size_t>(size()), Range{0, n}), sum);
    }
  }

  void do_reduce_scatter(const float* nodes, float* part, int64_t n, const ReductionTree& tree,
                         std::span<const int64_t> bounds) override {
    std::vector<Range> ranges;
    for (size_t r = 0; r + 1 < bounds.size(); ++r) ranges.push_back({bounds[r], bounds[r + 1]});
    sum_ranges(nodes, n, tree, ranges, part);
  }

  struct Range {
    int64_t begin, end;
  };

  // One step: elements ranges[r] of every node to rank r; then the tree of the own range.
  void sum_ranges(const float* nodes, int64_t n, const ReductionTree& tree, const std::vector<Range>& ranges,
                  float* sum) {
    const Range own = ranges[static_cast<size_t>(rank())];
    const int64_t length = own.end - own.begin;
    received_.resize(static_cast<size_t>(tree.total_nodes() * length));
    std::vector<const float*> items;
    Step step(*this, kCollective);
    for (int r = 0; r < size(); ++r) {
      const Range theirs = ranges[static_cast<size_t>(r)];
      for (int k = 0; k < tree.nodes(rank()) && r != rank(); ++k) {
        step.send(nodes + k * n + theirs.begin, (theirs.end - theirs.begin) * 4, r);
      }
      for (int k = 0; k < tree.nodes(r); ++k) {
        float* row = received_.data() + static_cast<int64_t>(items.size()) * length;
        if (r != rank()) step.recv(row, length * 4, r);
        items.push_back(r == rank() ? nodes + k * n + own.begin : row);
      }
    }
    step.finish();
    merge(tree.finish(), items, length, std::array{sum});
  }

  void recursive_doubling(const float* nodes, float* sum, int64_t n) {
    static const MergeProgram add{.merges = {0, 1}, .results = 1, .depth = 2};
    if (nodes != sum) std::memcpy(sum, nodes, static_cast<size_t>(n) * 4);
    received_.resize(static_cast<size_t>(n));
    for (int distance = 1; distance < size(); distance *= 2) {
      const int peer = rank() ^ distance;
      Step step(*this, kCollective);
      step.recv(received_.data(), n * 4, peer);
      step.send(sum, n * 4, peer);
      step.finish();
      const float* left = rank() < peer ? sum : received_.data();
      const float* right = rank() < peer ? received_.data() : sum;
      merge(add, std::array{left, right}, n, std::array{sum});
    }
  }

  void do_all_gather(const std::byte* part, std::byte* whole, std::span<const int64_t> bounds) override {
    Step step(*this, kCollective);
    for (int r = 0; r < size(); ++r) {
      const int64_t begin = bounds[static_cast<size_t>(r)];
      const int64_t bytes = bounds[static_cast<size_t>(r) + 1] - begin;
      if (r != rank()) {
        step.recv(whole + begin, bytes, r);
        step.send(part, bounds[static_cast<size_t>(rank()) + 1] - bounds[static_cast<size_t>(rank())], r);
      } else if (part != whole + begin && bytes > 0) {
        std::memmove(whole + begin, part, static_cast<size_t>(bytes));
      }
    }
    step.finish();
  }

  void do_all_to_all(const std::byte* in, std::span<const int64_t> to, std::byte* out,
                     std::span<const int64_t> from) override {
    Step step(*this, kCollective);
    for (size_t r = 0; r + 1 < to.size(); ++r) {
      const int peer = static_cast<int>(r);
      if (peer != rank()) {
        step.recv(out + from[r], from[r + 1] - from[r], peer);
        step.send(in + to[r], to[r + 1] - to[r], peer);
      } else if (to[r + 1] > to[r]) {
        std::memcpy(out + from[r], in + to[r], static_cast<size_t>(to[r + 1] - to[r]));
      }
    }
    step.finish();
  }

  void do_broadcast(std::byte* data, int64_t bytes, int root) override {
    Step step(*this, kCollective);
    if (rank() != root) step.recv(data, bytes, root);
    for (int r = 0; r < size() && rank() == root; ++r) {
      if (r != root) step.send(data, bytes, r);
    }
    step.finish();
  }

  // ---- point to point ----

  struct Unsent {
    std::vector<std::byte> copy;
    Step step;
  };

  void do_send(const std::byte* data, int64_t bytes, int to) override {
    reap(std::max<int64_t>(0, kUnsentBytes - bytes));
    Unsent& unsent = unsent_.emplace_back(Unsent{{data, data + bytes}, Step(*this, kPointToPoint)});
    unsent.step.send(unsent.copy.data(), bytes, to);
    unsent_bytes_ += bytes;
  }

  // Drops the copies that have been sent, and waits until at most `most` bytes are left.
  void reap(int64_t most) {
    while (!unsent_.empty() && (unsent_bytes_ > most || unsent_.front().step.done())) {
      unsent_.front().step.finish();
      unsent_bytes_ -= static_cast<int64_t>(unsent_.front().copy.size());
      unsent_.pop_front();
    }
  }

  void do_recv(std::byte* data, int64_t bytes, int from) override {
    Step step(*this, kPointToPoint);
    step.recv(data, bytes, from);
    step.finish();
  }

  MpiLink& link_;
  MpiGroup group_;
  std::string why_;  // not empty: the group was aborted
  std::array<char, 1000> why_received_{};
  MPI_Request abort_received_ = MPI_REQUEST_NULL;
  std::vector<float> received_;
  std::deque<Unsent> unsent_;
  int64_t unsent_bytes_ = 0;
};

}  // namespace

MpiLink::MpiLink() {
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  if (provided < MPI_THREAD_SERIALIZED) throw CommError("this MPI was built without thread support");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

MpiLink::~MpiLink() { MPI_Finalize(); }

void MpiLink::abort(int status) {
  const std::lock_guard lock(mutex_);
  MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

std::unique_ptr<Communicator> make_mpi(MpiLink& link, MpiGroup group) {
  return std::make_unique<Mpi>(link, std::move(group));
}

}  // namespace kerf
