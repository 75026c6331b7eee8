// The communicator of ranks that share memory: processes of one host ("shm"), or threads of one
// process ("thread", for tests).
//
// One anonymous mapping per group, written and read by every rank:
//
//   header    the reason of an abort
//   posted    one counter per rank: rounds it has published
//   slots     two per rank, used in turn: what it publishes in a round
//   nodes     two per rank, used in turn: what its peers sum where it was written (node_memory)
//   pipes     one per ordered pair of ranks: a ring of bytes with a counter at each end
//
// A *round* is the step all collectives are made of: every rank writes its slot, raises its counter,
// and waits for everyone's counter; then it reads the slots. Nothing else synchronises: a rank can
// write into the same slot again two rounds later, which is after every peer has posted the round
// between, and so has finished reading.
//
// With p ranks, n elements, and k tree nodes per rank (1 for even cuts):
//
//   operation             rounds                   bytes a rank writes + reads
//   all_reduce  small     1                        4nk + 4nk(p-1); every rank sums everything
//   all_reduce  p = 2     4nk / slot               the same: what two halves would move, in fewer rounds
//   publish_nodes, p = 2  1                        4nk + 4nk: the producer writes where the peer reads
//   all_reduce  large     reduce_scatter + all_gather
//   reduce_scatter        max part·k·p / slot      4nk(p-1)/p + 4nk(p-1)/p
//   all_gather            max part / slot          n/p + n(p-1)/p  (bytes, as below)
//   all_to_all            max part·p / slot        n(p-1)/p + n(p-1)/p
//   broadcast             n / slot                 n at the root + n elsewhere
//   send, recv            none: blocks of a pipe   n + n
//
// Waiting: spin about as long as a wake-up costs, if every rank of the host can have a core;
// then sleep on the counter, looking every kTick after aborts, dead peers and the deadline.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "kerf/base/shm.h"
#include "kerf/comm/communicator.h"

namespace kerf {

// What a rank must know of the others. Equal on all ranks but for the watches.
struct ShmGroup {
  std::shared_ptr<SharedMemory> memory;  // of shm_bytes(size)
  std::vector<std::string> names;        // one per rank, for messages: "rank 2 (pid 4711)"
  std::vector<ProcessWatch> watches;     // one per rank; empty when ranks are threads
  bool spin = true;                      // a core for every rank: a short wait may spin
  std::chrono::milliseconds deadline{60'000};
};
[[nodiscard]] size_t shm_bytes(int size);
[[nodiscard]] std::unique_ptr<Communicator> make_shm(int rank, ShmGroup group);

// Aborts the group that lives in this memory.
void abort_shm(SharedMemory& memory, std::string_view why) noexcept;

// `size` communicators for as many threads of this process. memory: null, or fresh, of shm_bytes(size).
[[nodiscard]] std::vector<std::unique_ptr<Communicator>> make_thread_group(
    int size, std::chrono::milliseconds deadline = std::chrono::milliseconds(60'000),
    std::shared_ptr<SharedMemory> memory = nullptr);

}  // namespace kerf
