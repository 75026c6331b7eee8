// Communicator: the collectives of one group of ranks.
//
// Placements: a tensor is Replicated (every rank holds it), Split (rank r holds part r) or Partial
// (to be summed). Collectives convert: all_reduce Partial → Replicated, reduce_scatter Partial →
// Split, all_gather Split → Replicated, all_to_all Split(a) → Split(b).
//
// Threading: one thread at a time per communicator. Calls match in order on every rank; send and
// recv match pairwise, in order. A group of size 1 is an ordinary group.
//
// Errors: every wait ends. When a peer aborts, dies or does not come before the deadline, the call
// throws CommError, and so does every later call on any rank of the group. A rank that fails for a
// reason of its own calls abort() and leaves.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "kerf/base/trace.h"
#include "kerf/spec/reduction.h"
#include "kerf/spec/tensor.h"

namespace kerf {

class CommError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class CommOp : uint8_t { kAllReduce, kReduceScatter, kAllGather, kAllToAll, kBroadcast, kSend, kRecv };
inline constexpr int kCommOps = 7;
[[nodiscard]] std::string_view name_of(CommOp op);  // "all_reduce", …

// What one rank did on one communicator since it was made.
struct CommStats {
  struct Entry {
    int64_t calls = 0;
    int64_t bytes = 0;   // of payload: the size of the result (send: of the message)
    double seconds = 0;  // inside the call, waiting included; sum_published is arithmetic and is not
  };
  std::array<Entry, kCommOps> by_op{};
  Entry& operator[](CommOp op) { return by_op[static_cast<size_t>(op)]; }
  const Entry& operator[](CommOp op) const { return by_op[static_cast<size_t>(op)]; }
};

class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] virtual std::string_view kind() const = 0;  // "self", "thread", "shm", "mpi"
  [[nodiscard]] const CommStats& stats() const { return stats_; }

  // Every operation from here on leaves a span in `trace`, which outlives the communicator; null ends it.
  // group  // what the trace calls this group: "tp"; a literal
  void set_trace(Trace* trace, std::string_view group) {
    trace_ = trace;
    trace_group_ = group;
  }

  // Partial → Replicated: sum = the root of `tree` over every rank's nodes.
  //   nodes  // [tree.nodes(rank()), n] f32, this rank's cover, in order
  //   sum    // [n] f32; may be nodes' first row
  void all_reduce_sum(ConstTensor nodes, Tensor sum, const ReductionTree& tree);

  // The same without a copy, where ranks read each other's memory and the tensor is large enough to gain by it:
  //   float* nodes = group.node_memory(n, tree);  // null, on every rank: use all_reduce_sum
  //   …                                           // write this rank's cover there: [tree.nodes(rank()), n] f32
  //   group.publish_nodes(n, tree);               // returns once every rank has; counts as the all_reduce
  //   group.sum_published(begin, tree, piece);    // elements from `begin` on, piece by piece, on any thread,
  //                                               // before the next call on this group
  [[nodiscard]] virtual float* node_memory(int64_t /*n*/, const ReductionTree& /*tree*/) { return nullptr; }
  void publish_nodes(int64_t n, const ReductionTree& tree);
  void sum_published(int64_t begin, const ReductionTree& tree, Tensor piece) const;

  // Partial → Split: rank r gets elements [bounds[r], bounds[r + 1]) of that sum.
  //   nodes  // [tree.nodes(rank()), n] f32
  //   part   // [bounds[rank() + 1] - bounds[rank()]] f32
  void reduce_scatter_sum(ConstTensor nodes, Tensor part, const ReductionTree& tree, std::span<const int64_t> bounds);

  // Split → Replicated: whole is the concatenation of the parts.
  //   part   // [bounds[rank() + 1] - bounds[rank()]], any dtype; may lie in place inside whole
  //   whole  // [bounds[size()]]
  void all_gather(ConstTensor part, Tensor whole, std::span<const int64_t> bounds);

  // Rank r receives elements [to[r], to[r + 1]) of this rank's `in`, and this rank's `out` gets
  // rank r's elements at [from[r], from[r + 1]). Bounds have size() + 1 entries.
  void all_to_all(ConstTensor in, std::span<const int64_t> to, Tensor out, std::span<const int64_t> from);

  // Copies root's tensor to every rank.
  void broadcast(Tensor inout, int root);

  // send returns when `message` may be reused, as a rule before it was received; recv blocks.
  // Both sides pass equal sizes.
  void send(ConstTensor message, int to);
  void recv(Tensor message, int from);

  // Wakes every peer: their waits throw CommError(why). Does not block, may be called twice.
  virtual void abort(std::string_view why) noexcept = 0;

 protected:
  Communicator(int rank, int size) : rank_(rank), size_(size) {}

 private:
  // The same operations; the arguments have been checked.
  virtual void do_all_reduce(const float* nodes, float* sum, int64_t n, const ReductionTree& tree) = 0;
  // Of groups whose node_memory is not always null.
  virtual void do_publish(int64_t n);
  virtual void do_sum_published(float* piece, int64_t begin, int64_t length, const ReductionTree& tree) const;
  virtual void do_reduce_scatter(const float* nodes, float* part, int64_t n, const ReductionTree& tree,
                                 std::span<const int64_t> bounds) = 0;
  // From here on sizes and bounds are in bytes.
  virtual void do_all_gather(const std::byte* part, std::byte* whole, std::span<const int64_t> bounds) = 0;
  virtual void do_all_to_all(const std::byte* in, std::span<const int64_t> to, std::byte* out,
                             std::span<const int64_t> from) = 0;
  virtual void do_broadcast(std::byte* data, int64_t bytes, int root) = 0;
  virtual void do_send(const std::byte* data, int64_t bytes, int to) = 0;
  virtual void do_recv(std::byte* data, int64_t bytes, int from) = 0;

  class Counted;

  int rank_;
  int size_;
  CommStats stats_;
  Trace* trace_ = nullptr;
  std::string_view trace_group_;
};

}  // namespace kerf
