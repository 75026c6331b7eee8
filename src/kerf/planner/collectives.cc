#include "kerf/planner/collectives.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kerf {

namespace {

// NCCL's tuner plans trees with this share of a ring's bandwidth (src/graph/tuning.cc).
constexpr double kTreeBandwidthShare = 0.92;

int log2_ceil(int p) { return static_cast<int>(std::bit_width(static_cast<unsigned>(p - 1))); }

double algorithms_s(CollectiveOp op, int p, double bytes, const Wire& wire) {
  if (op == CollectiveOp::kAllToAll) return all_to_all_s(p, bytes, 1, wire);
  const double ring = ring_s(op, p, bytes, wire);
  if (op != CollectiveOp::kAllReduce) return ring;
  return std::min({ring, one_shot_all_reduce_s(p, bytes, wire), tree_all_reduce_s(p, bytes, wire)});
}

// Further ranks add latency in proportion to log2 p and leave the bandwidth as it is.
double extrapolated_s(const MeasuredSegments& row, CollectiveOp op, int p, double bytes) {
  MeasuredSegments wider = row;
  const double steps = std::max(1.0, std::log2(p) / std::log2(row.ranks));
  for (double& latency : wider.latency_s) latency *= steps;
  wider.ranks = p;
  return measured_s(wider, op, bytes);
}

double interpolated_s(const MeasuredCollective& rows, CollectiveOp op, int p, double bytes) {
  const auto above = std::ranges::find_if(rows, [&](const MeasuredSegments& row) { return row.ranks >= p; });
  if (above == rows.end()) return extrapolated_s(rows.back(), op, p, bytes);
  if (above->ranks == p || above == rows.begin()) {
    MeasuredSegments row = *above;
    row.ranks = p;
    return measured_s(row, op, bytes);
  }
  const MeasuredSegments& below = *(above - 1);
  const double part = std::log2(static_cast<double>(p) / below.ranks) / std::log2(1.0 * above->ranks / below.ranks);
  return measured_s(below, op, bytes) * (1 - part) + measured_s(*above, op, bytes) * part;
}

// PCIe boxes differ in how far apart their devices are: only rows of boxes as far apart or further hold.
double measured_path_s(const MeasuredCollective& rows, CollectiveOp op, const Group& group, double bytes) {
  const MeasuredSegments* best = nullptr;
  for (const MeasuredSegments& row : rows) {
    // The row for these ranks, where its box was no worse than this one; otherwise the widest that was not.
    if (row.ranks <= group.ranks && (best == nullptr || row.path <= std::max(group.path, best->path))) best = &row;
  }
  if (best == nullptr) best = &rows.front();
  return extrapolated_s(*best, op, group.ranks, bytes);
}

// Times at which `fabric` was measured, for a link that is narrower.
double narrowed(double seconds, double latency_s, double measured_bytes_per_s, double bytes_per_s) {
  if (bytes_per_s <= 0 || bytes_per_s >= measured_bytes_per_s) return seconds;
  return latency_s + (seconds - latency_s) * measured_bytes_per_s / bytes_per_s;
}

double flat_s(CollectiveOp op, double bytes, const Group& group, const Families& families) {
  double best = 0;
  for (const CollectiveFamily* family : families) {
    if (family == nullptr) continue;
    const MeasuredCollective& rows = family->ops[static_cast<size_t>(op)];
    if (rows.empty()) continue;
    double seconds = 0;
    if (rows.front().path > 0) {
      seconds = std::max(measured_path_s(rows, op, group, bytes), algorithms_s(op, group.ranks, bytes, group.in));
    } else {
      seconds = interpolated_s(rows, op, group.ranks, bytes);
      seconds = narrowed(seconds, rows.front().latency_s[0], group.fabric->bytes_per_s, group.in.bytes_per_s);
    }
    if (best == 0 || seconds < best) best = seconds;
  }
  return best > 0 ? best : group.base_s + algorithms_s(op, group.ranks, bytes, group.in);
}

// Sets of `inner` ranks, joined by a slower wire.
double hierarchical_s(CollectiveOp op, double bytes, const Group& group, const Families& families) {
  const int sets = (group.ranks + group.inner - 1) / group.inner;
  Group inside = group;
  inside.ranks = group.inner;
  const auto in = [&](CollectiveOp step, double size) {
    return group.inner > 1 ? flat_s(step, size, inside, families) : 0.0;
  };
  const double across = group.base_s + algorithms_s(op, sets, bytes / group.inner, group.out);
  switch (op) {
    case CollectiveOp::kAllReduce:
      return in(CollectiveOp::kReduceScatter, bytes) + across + in(CollectiveOp::kAllGather, bytes);
    case CollectiveOp::kReduceScatter:
    case CollectiveOp::kAllGather: return across + in(op, bytes);
    case CollectiveOp::kAllToAll: break;
  }
  // Each part of the exchange takes its own way, both at once.
  const double within = bytes * group.inner / group.ranks;
  return std::max(in(op, within), group.base_s + all_to_all_s(sets, bytes, 1, group.out));
}

}  // namespace

std::string_view name_of(CollectiveOp op) {
  constexpr std::array<std::string_view, 4> kNames{"all_reduce", "all_gather", "reduce_scatter", "all_to_all"};
  return kNames[static_cast<size_t>(op)];
}

double bus_share(CollectiveOp op, int p) { return (op == CollectiveOp::kAllReduce ? 2.0 : 1.0) * (p - 1) / p; }

double ring_s(CollectiveOp op, int p, double bytes, const Wire& wire) {
  if (p < 2) return 0;
  const int steps = (op == CollectiveOp::kAllReduce ? 2 : 1) * (p - 1);
  return steps * wire.latency_s + bus_share(op, p) * bytes / wire.bytes_per_s;
}

double one_shot_all_reduce_s(int p, double bytes, const Wire& wire) {
  return p < 2 ? 0 : wire.latency_s + (p - 1) * bytes / wire.bytes_per_s;
}

double tree_all_reduce_s(int p, double bytes, const Wire& wire) {
  return p < 2 ? 0 : 2 * log2_ceil(p) * wire.latency_s + 2 * bytes / (kTreeBandwidthShare * wire.bytes_per_s);
}

double in_switch_all_reduce_s(double bytes, double switch_latency_s, double bytes_per_s) {
  return switch_latency_s + bytes / bytes_per_s;
}

double all_to_all_s(int p, double bytes, double imbalance, const Wire& wire) {
  if (p < 2) return 0;
  // The messages leave together: a doubling of p costs one more latency (a rank's queue of sends).
  return std::max(1, log2_ceil(p)) * wire.latency_s + imbalance * (p - 1) / p * bytes / wire.bytes_per_s;
}

double send_s(double bytes, const Wire& wire) { return wire.latency_s + bytes / wire.bytes_per_s; }

double measured_s(const MeasuredSegments& segments, CollectiveOp op, double bytes) {
  const size_t segment = bytes > segments.split_bytes ? 1 : 0;
  const double rate = segments.bus_bytes_per_s[segment];
  const double seconds = segments.latency_s[segment];
  return rate > 0 ? seconds + bus_share(op, segments.ranks) * bytes / rate : seconds;
}

Families families_of(const Fabric* fabric, std::string_view engine_family) {
  Families families{};
  if (fabric == nullptr) return families;
  for (const CollectiveFamily& family : fabric->families) {
    if (family.name == engine_family) families[0] = &family;
    if (family.name == "nccl") families[1] = &family;
  }
  return families;
}

double collective_s(CollectiveOp op, double bytes, const Group& group, const Families& families) {
  if (group.ranks < 2) return 0;
  if (group.inner < group.ranks) return hierarchical_s(op, bytes, group, families);
  const double seconds = flat_s(op, bytes, group, families);
  if (op != CollectiveOp::kAllReduce || group.fabric == nullptr || group.fabric->switch_bytes_per_s <= 0)
    return seconds;
  const Fabric& fabric = *group.fabric;
  const double in_switch = in_switch_all_reduce_s(bytes, fabric.switch_latency_s, fabric.switch_bytes_per_s);
  return group.in.bytes_per_s >= fabric.bytes_per_s ? std::min(seconds, in_switch) : seconds;
}

}  // namespace kerf
