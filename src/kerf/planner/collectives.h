// What collectives cost: algorithms by steps and bytes, published measurements, and the least of all of them.
//
// S is the whole tensor in bytes, p the ranks, α the latency of one step, B the bytes per second of one device in one
// direction. Every function documents its steps and the bytes that one rank sends. Times are in seconds. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kerf {

enum class CollectiveOp : uint8_t { kAllReduce, kAllGather, kReduceScatter, kAllToAll };
[[nodiscard]] std::string_view name_of(CollectiveOp op);  // "all_reduce", …

// What one device's link does for a group.
struct Wire {
  double latency_s = 0;    // one step
  double bytes_per_s = 0;  // per direction and device
};

// Bytes that one rank sends, over S: 2(p−1)/p for an all-reduce, (p−1)/p for the others. "Bus bandwidth" is this times
// S over the time (nccl-tests' doc/PERFORMANCE.md).
[[nodiscard]] double bus_share(CollectiveOp op, int p);

// Ring: 2(p−1) steps of S/p for an all-reduce, p−1 for reduce-scatter and all-gather. Bytes bus_share · S, the least
// possible; latency grows with p.
[[nodiscard]] double ring_s(CollectiveOp op, int p, double bytes, const Wire& wire);

// Everyone reads everyone's whole tensor and sums it alone: 1 step, (p−1)·S bytes. Best for small messages.
[[nodiscard]] double one_shot_all_reduce_s(int p, double bytes, const Wire& wire);

// Up and down a binary tree: 2·⌈log2 p⌉ steps, 2·S bytes at 0.92 of the bandwidth (NCCL's tuner).
[[nodiscard]] double tree_all_reduce_s(int p, double bytes, const Wire& wire);

// Reduced inside the switch (NVLS, SHARP): 2 steps that every rank takes at once, S bytes up and S down.
// switch_latency_s and bytes_per_s (of S over the time) belong to the switch.
[[nodiscard]] double in_switch_all_reduce_s(double bytes, double switch_latency_s, double bytes_per_s);

// Every rank sends S/p to every other directly: p−1 messages that leave together, (p−1)/p·S bytes; the busiest rank
// gets `imbalance` (λ) times the mean. S is what one rank holds.
[[nodiscard]] double all_to_all_s(int p, double bytes, double imbalance, const Wire& wire);

// One message: α + S/B.
[[nodiscard]] double send_s(double bytes, const Wire& wire);

// Published time of one collective in two segments: below and above split_bytes.
struct MeasuredSegments {
  int ranks = 2;
  int path = 0;  // PCIe: how far apart the worst pair was, 0 = does not apply, 1 = PIX … 5 = SYS
  double split_bytes = 0;
  std::array<double, 2> latency_s{};
  std::array<double, 2> bus_bytes_per_s{};  // 0 = the segment does not depend on size
};
// The rows of one op, one implementation and one fabric, by ascending ranks.
using MeasuredCollective = std::vector<MeasuredSegments>;

[[nodiscard]] double measured_s(const MeasuredSegments& segments, CollectiveOp op, double bytes);

// One implementation's measurements: "nccl", "vllm_custom", "trtllm", "sglang_custom".
struct CollectiveFamily {
  std::string name;
  std::array<MeasuredCollective, 4> ops;  // by CollectiveOp; empty = it has none
};

// A fabric as somebody measured it.
struct Fabric {
  std::string name;        // "NVLink4"
  double bytes_per_s = 0;  // of the link that was measured
  double switch_latency_s = 0;
  double switch_bytes_per_s = 0;  // 0 = it does not reduce
  std::vector<CollectiveFamily> families;
};

// A group of ranks and what joins them: all over one wire, or `inner` ranks over `in`, and those sets over `out`.
struct Group {
  int ranks = 1;
  int inner = 1;  // ranks that share `in`; = ranks in a flat group
  Wire in;
  Wire out;                        // of one device when all `inner` send at once
  double base_s = 0;               // what a collective costs beside its steps, where nothing was measured
  const Fabric* fabric = nullptr;  // where `in` was measured; nullptr: the algorithms alone
  int path = 0;                    // PCIe: as in MeasuredSegments
};

// The measured families that an engine's collectives use on a fabric: its own, and NCCL beside it.
using Families = std::array<const CollectiveFamily*, 2>;
[[nodiscard]] Families families_of(const Fabric* fabric, std::string_view engine_family);

// The least over what `families` measured (interpolated between rank counts; narrower links in proportion) and, where
// nothing was measured, over the algorithms. Across nodes hierarchical: reduce-scatter inside, all-reduce of
// S/inner across, all-gather inside. S is what each rank holds; of an all-gather what it ends up with, of a
// reduce-scatter what it began with. 0 for one rank.
[[nodiscard]] double collective_s(CollectiveOp op, double bytes, const Group& group, const Families& families);

}  // namespace kerf
