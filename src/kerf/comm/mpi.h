// The communicator of ranks on several hosts: messages of MPI between pairs, nothing else of it, so
// that every wait has a deadline and every sum its order.
//
// With p ranks, n elements, and k tree nodes per rank (1 for even cuts), a rank sends:
//
//   operation        steps      bytes
//   all_reduce
//     small, doubling  log2 p   4n per step: rank r swaps sums with r ^ 1, r ^ 2, r ^ 4, …
//     small            1        4nk(p-1): everyone's nodes to everyone, each finishes the tree
//     large            2        reduce_scatter + all_gather
//   reduce_scatter     1        4nk(p-1)/p: the nodes of part r to rank r, which finishes the tree
//   all_gather         1        n(p-1)/p  (bytes, as below)
//   all_to_all         1        n(p-1)/p
//   broadcast          1        n(p-1) at the root
//   send               1        n, from a copy
//
// "Doubling" needs tree.is_recursive_doubling(). A step is a set of messages that travel together.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kerf/comm/communicator.h"

namespace kerf {

// This process's membership in the MPI job, from MPI_Init to MPI_Finalize. One per process and life.
class MpiLink {
 public:
  MpiLink();
  ~MpiLink();
  MpiLink(const MpiLink&) = delete;
  MpiLink& operator=(const MpiLink&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[noreturn]] void abort(int status);

  // Held during every call of MPI, which is told that threads take turns. No such call blocks.
  [[nodiscard]] std::mutex& mutex() { return mutex_; }

 private:
  std::mutex mutex_;
  int rank_ = 0;
  int size_ = 1;
};

struct MpiGroup {
  int64_t id = 0;                  // the same on all members, no two groups of one rank alike
  std::vector<int> members;        // world ranks
  std::vector<std::string> names;  // one per member, for messages
  bool spin = true;                // a core for every rank: a short wait may spin
  std::chrono::milliseconds deadline{60'000};
};
// REQUIRES: link outlives the communicator.
[[nodiscard]] std::unique_ptr<Communicator> make_mpi(MpiLink& link, MpiGroup group);

}  // namespace kerf
