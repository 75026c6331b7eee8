#include "kerf/comm/communicator.h"

#include <algorithm>
#include <vector>

#include "kerf/base/check.h"

namespace kerf {

namespace {

void check_bounds(std::span<const int64_t> bounds, int size, int64_t whole) {
  KERF_CHECK(bounds.size() == static_cast<size_t>(size) + 1, "bounds need one entry per rank and one more");
  KERF_CHECK(std::is_sorted(bounds.begin(), bounds.end()) && bounds.front() == 0 && bounds.back() == whole,
             "bounds must rise from 0 to the tensor's size");
}

int64_t extent(std::span<const int64_t> bounds, int rank) {
  const auto r = static_cast<size_t>(rank);
  return bounds[r + 1] - bounds[r];
}

std::vector<int64_t> in_bytes(std::span<const int64_t> bounds, DType dtype) {
  std::vector<int64_t> bytes(bounds.begin(), bounds.end());
  for (int64_t& bound : bytes) bound *= static_cast<int64_t>(size_of(dtype));
  return bytes;
}

const std::byte* bytes_of(ConstTensor tensor) { return static_cast<const std::byte*>(tensor.raw()); }
std::byte* bytes_of(Tensor tensor) { return static_cast<std::byte*>(tensor.raw()); }

}  // namespace

std::string_view name_of(CommOp op) {
  constexpr std::array<std::string_view, kCommOps> kNames = {"all_reduce", "reduce_scatter", "all_gather", "all_to_all",
                                                             "broadcast",  "send",           "recv"};
  return kNames[static_cast<size_t>(op)];
}

// Counts one call from here to the end of the scope, also when it throws.
class Communicator::Counted {
 public:
  Counted(Communicator& group, CommOp op, int64_t bytes) : group_(group), op_(op), bytes_(bytes) {}
  ~Counted() {
    const int64_t end_ns = trace_now_ns();
    CommStats::Entry& entry = group_.stats_[op_];
    ++entry.calls;
    entry.bytes += bytes_;
    entry.seconds += 1e-9 * static_cast<double>(end_ns - begin_ns_);
    if (group_.trace_ == nullptr) return;
    group_.trace_->add(name_of(op_), group_.trace_group_, begin_ns_, end_ns, bytes_);
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  Communicator& group_;
  CommOp op_;
  int64_t bytes_;
  int64_t begin_ns_ = trace_now_ns();
};

void Communicator::all_reduce_sum(ConstTensor nodes, Tensor sum, const ReductionTree& tree) {
  KERF_CHECK(tree.ranks() == size_, "the tree is cut over another number of ranks");
  KERF_CHECK(nodes.size() == tree.nodes(rank_) * sum.size(), "nodes must hold this rank's cover");
  const Counted counted(*this, CommOp::kAllReduce, sum.bytes());
  do_all_reduce(nodes.data<float>(), sum.data<float>(), sum.size(), tree);
}

void Communicator::publish_nodes(int64_t n, const ReductionTree& tree) {
  KERF_CHECK(node_memory(n, tree) != nullptr, "these nodes lie nowhere");
  const Counted counted(*this, CommOp::kAllReduce, n * 4);
  do_publish(n);
}

void Communicator::sum_published(int64_t begin, const ReductionTree& tree, Tensor piece) const {
  do_sum_published(piece.data<float>(), begin, piece.size(), tree);
}

void Communicator::do_publish(int64_t /*n*/) { KERF_CHECK(false, "this group has no node_memory"); }

void Communicator::do_sum_published(float* /*piece*/, int64_t /*begin*/, int64_t /*length*/,
                                    const ReductionTree& /*tree*/) const {
  KERF_CHECK(false, "this group has no node_memory");
}

void Communicator::reduce_scatter_sum(ConstTensor nodes, Tensor part, const ReductionTree& tree,
                                      std::span<const int64_t> bounds) {
  KERF_CHECK(tree.ranks() == size_, "the tree is cut over another number of ranks");
  check_bounds(bounds, size_, nodes.size() / tree.nodes(rank_));
  KERF_CHECK(nodes.size() == tree.nodes(rank_) * bounds.back(), "nodes must hold this rank's cover");
  KERF_CHECK(part.size() == extent(bounds, rank_));
  const Counted counted(*this, CommOp::kReduceScatter, part.bytes());
  do_reduce_scatter(nodes.data<float>(), part.data<float>(), bounds.back(), tree, bounds);
}

void Communicator::all_gather(ConstTensor part, Tensor whole, std::span<const int64_t> bounds) {
  check_bounds(bounds, size_, whole.size());
  KERF_CHECK(part.size() == extent(bounds, rank_) && part.dtype() == whole.dtype());
  const Counted counted(*this, CommOp::kAllGather, whole.bytes());
  do_all_gather(bytes_of(part), bytes_of(whole), in_bytes(bounds, whole.dtype()));
}

void Communicator::all_to_all(ConstTensor in, std::span<const int64_t> to, Tensor out, std::span<const int64_t> from) {
  check_bounds(to, size_, in.size());
  check_bounds(from, size_, out.size());
  KERF_CHECK(in.dtype() == out.dtype() && extent(to, rank_) == extent(from, rank_));
  const Counted counted(*this, CommOp::kAllToAll, out.bytes());
  do_all_to_all(bytes_of(in), in_bytes(to, in.dtype()), bytes_of(out), in_bytes(from, out.dtype()));
}

void Communicator::broadcast(Tensor inout, int root) {
  KERF_CHECK(root >= 0 && root < size_);
  const Counted counted(*this, CommOp::kBroadcast, inout.bytes());
  do_broadcast(bytes_of(inout), inout.bytes(), root);
}

void Communicator::send(ConstTensor message, int to) {
  KERF_CHECK(to >= 0 && to < size_ && to != rank_, "send needs a peer");
  const Counted counted(*this, CommOp::kSend, message.bytes());
  do_send(bytes_of(message), message.bytes(), to);
}

void Communicator::recv(Tensor message, int from) {
  KERF_CHECK(from >= 0 && from < size_ && from != rank_, "recv needs a peer");
  const Counted counted(*this, CommOp::kRecv, message.bytes());
  do_recv(bytes_of(message), message.bytes(), from);
}

}  // namespace kerf
