// One check of every collective, for any communicator: called by each rank of a group with the same
// arguments. The expected values come from a plain recursion over the tree, on one rank's own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "kerf/comm/communicator.h"
#include "kerf/comm/merge.h"

namespace kerf::testing {

// Test data repeats after this many elements, so that long tensors are made quickly; a prime, so that
// no error of a block or a page goes unseen.
inline constexpr int64_t kPeriod = 4099;

// value(i) for i in [0, n), where value has that period.
template <typename T, typename Value>
std::vector<T> periodic(int64_t n, const Value& value) {
  std::vector<T> all(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    all[static_cast<size_t>(i)] = i < kPeriod ? value(i) : all[static_cast<size_t>(i - kPeriod)];
  }
  return all;
}

// Values whose sum depends on the order of addition.
inline float slice_value(int64_t slice, int64_t i) {
  const auto mix = static_cast<uint32_t>(slice * 7919 + i % kPeriod * 104729 + 1) * 2654435761u;
  return static_cast<float>(static_cast<int32_t>(mix)) * (slice % 3 == 0 ? 1e-3f : 1.0f);
}

// Node [begin, end) of the canonical tree over the slices' values at i.
inline float node_value(int64_t begin, int64_t end, int64_t i) {
  if (end - begin == 1) return slice_value(begin, i);
  const int64_t middle = (begin + end) / 2;
  return node_value(begin, middle, i) + node_value(middle, end, i);
}

// This rank's cover of the tree: its slices, summed by tree.local(rank). [nodes, n]
inline std::vector<float> cover(const ReductionTree& tree, const std::vector<int64_t>& slice_bounds, int rank,
                                int64_t n) {
  const auto r = static_cast<size_t>(rank);
  std::vector<std::vector<float>> slices;
  std::vector<const float*> items;
  for (int64_t s = slice_bounds[r]; s < slice_bounds[r + 1]; ++s) {
    slices.push_back(periodic<float>(n, [&](int64_t i) { return slice_value(s, i); }));
  }
  for (const auto& slice : slices) items.push_back(slice.data());
  std::vector<float> nodes(static_cast<size_t>(tree.nodes(rank) * n));
  std::vector<float*> results;
  for (int k = 0; k < tree.nodes(rank); ++k) results.push_back(nodes.data() + k * n);
  merge(tree.local(rank), items, n, results);
  return nodes;
}

inline bool same_bits(const float* a, const float* b, int64_t n) {
  return n == 0 || std::memcmp(a, b, static_cast<size_t>(n) * sizeof(float)) == 0;
}

// Sums n elements over every rank's slices by all_reduce (into another tensor, and in place) and by
// reduce_scatter into lopsided parts.
inline void check_sums(Communicator& group, const std::vector<int64_t>& slice_bounds, int64_t n) {
  const ReductionTree tree(slice_bounds);
  const int rank = group.rank();
  const auto expected = periodic<float>(n, [&](int64_t i) { return node_value(0, tree.slices(), i); });

  std::vector<float> nodes = cover(tree, slice_bounds, rank, n);
  std::vector<float> sum(static_cast<size_t>(n));
  const ConstTensor in(nodes.data(), {tree.nodes(rank), n});
  group.all_reduce_sum(in, Tensor(sum.data(), {n}), tree);
  ASSERT_TRUE(same_bits(sum.data(), expected.data(), n)) << "all_reduce of " << n;

  // Twice and once more: areas are used in turn. Pieces of an odd length, the last ones first.
  for (int turn = 0; turn < 3 && group.node_memory(n, tree) != nullptr; ++turn) {
    std::copy(nodes.begin(), nodes.end(), group.node_memory(n, tree));
    group.publish_nodes(n, tree);
    std::fill(sum.begin(), sum.end(), 0.0f);
    constexpr int64_t kPiece = 4001;
    for (int64_t at = n / kPiece * kPiece; at >= 0; at -= kPiece) {
      group.sum_published(at, tree, Tensor(sum.data() + at, {std::min(kPiece, n - at)}));
    }
    ASSERT_TRUE(same_bits(sum.data(), expected.data(), n)) << "published sum of " << n;
  }

  std::vector<int64_t> bounds = {0};  // rank 0 gets nothing, then parts grow
  for (int r = 0; r < group.size(); ++r) bounds.push_back(n * r * (r + 1) / (group.size() * (group.size() - 1) + 1));
  bounds.back() = n;
  const auto begin = bounds[static_cast<size_t>(rank)];
  const auto length = bounds[static_cast<size_t>(rank) + 1] - begin;
  std::vector<float> part(static_cast<size_t>(length));
  group.reduce_scatter_sum(in, Tensor(part.data(), {length}), tree, bounds);
  ASSERT_TRUE(same_bits(part.data(), expected.data() + begin, length)) << "reduce_scatter of " << n;

  group.all_reduce_sum(in, Tensor(nodes.data(), {n}), tree);
  ASSERT_TRUE(same_bits(nodes.data(), expected.data(), n)) << "all_reduce in place of " << n;
}

// Bytes as a stand-in for tensors of any type: what `from` means for `to`.
inline std::vector<uint8_t> message(int from, int to, int64_t bytes) {
  return periodic<uint8_t>(bytes, [&](int64_t i) { return static_cast<uint8_t>(from * 37 + to * 11 + i * 7 + 1); });
}

// The operations that move elements: n elements in all per whole tensor.
inline void check_moves(Communicator& group, DType dtype, int64_t n) {
  const int p = group.size();
  const int rank = group.rank();
  const auto width = static_cast<int64_t>(size_of(dtype));

  // Parts of rank r: proportional to r + 1.
  std::vector<int64_t> bounds = {0};
  for (int r = 0; r < p; ++r) bounds.push_back(n * (r + 1) * (r + 2) / (p * (p + 1)));
  const auto part = [&](int r) { return bounds[static_cast<size_t>(r) + 1] - bounds[static_cast<size_t>(r)]; };
  std::vector<uint8_t> whole(static_cast<size_t>(n * width), 0);
  std::vector<uint8_t> expected;
  for (int r = 0; r < p; ++r) {
    const auto m = message(r, 0, part(r) * width);
    expected.insert(expected.end(), m.begin(), m.end());
  }
  const auto own = message(rank, 0, part(rank) * width);
  group.all_gather(ConstTensor(own.data(), dtype, {part(rank)}), Tensor(whole.data(), dtype, {n}), bounds);
  ASSERT_EQ(whole, expected) << "all_gather of " << n;
  // In place: the part lies where it belongs.
  std::fill(whole.begin(), whole.end(), uint8_t{0});
  uint8_t* place = whole.data() + bounds[static_cast<size_t>(rank)] * width;
  std::copy(own.begin(), own.end(), place);
  group.all_gather(ConstTensor(place, dtype, {part(rank)}), Tensor(whole.data(), dtype, {n}), bounds);
  ASSERT_EQ(whole, expected) << "all_gather in place of " << n;

  // Rank a sends rank b about n (a + 1)(b + 2) / p^3 elements.
  const auto pair = [&](int a, int b) { return n * (a + 1) * (b + 2) / (p * p * p); };
  std::vector<int64_t> to = {0};
  std::vector<int64_t> from = {0};
  std::vector<uint8_t> in;
  expected.clear();
  for (int r = 0; r < p; ++r) {
    to.push_back(to.back() + pair(rank, r));
    from.push_back(from.back() + pair(r, rank));
    const auto sent = message(rank, r, pair(rank, r) * width);
    const auto received = message(r, rank, pair(r, rank) * width);
    in.insert(in.end(), sent.begin(), sent.end());
    expected.insert(expected.end(), received.begin(), received.end());
  }
  std::vector<uint8_t> out(expected.size());
  group.all_to_all(ConstTensor(in.data(), dtype, {to.back()}), to, Tensor(out.data(), dtype, {from.back()}), from);
  ASSERT_EQ(out, expected) << "all_to_all of " << n;

  for (int root = n > 100'000 ? p - 1 : 0; root < p; ++root) {
    auto data = rank == root ? message(root, 1, n * width) : std::vector<uint8_t>(static_cast<size_t>(n * width));
    group.broadcast(Tensor(data.data(), dtype, {n}), root);
    ASSERT_EQ(data, message(root, 1, n * width)) << "broadcast of " << n;
  }

  // Around the ring, three messages in flight.
  const int next = (rank + 1) % p;
  const int previous = (rank + p - 1) % p;
  if (next == rank) return;
  const auto send = [&](int64_t size) {
    const auto m = message(rank, next, size * width);
    group.send(ConstTensor(m.data(), dtype, {size}), next);
  };
  const auto receive = [&](int64_t size) {
    std::vector<uint8_t> m(static_cast<size_t>(size * width));
    group.recv(Tensor(m.data(), dtype, {size}), previous);
    ASSERT_EQ(m, message(previous, rank, size * width)) << "recv of " << size;
  };
  for (const int64_t size : {n / 8, int64_t{3}, n / 16}) send(size);
  for (const int64_t size : {n / 8, int64_t{3}, n / 16}) receive(size);
  // Larger than anything that is buffered: rank 0 sends first, the others receive first.
  if (rank == 0) send(n);
  receive(n);
  if (rank != 0) send(n);
}

// Cuts of S slices over p ranks: even, and as lopsided as can be.
inline std::vector<std::vector<int64_t>> cuts(int p) {
  std::vector<std::vector<int64_t>> all;
  for (const int64_t slices : {p, 7, 14, 16}) {
    if (slices < p) continue;
    all.push_back(even_bounds(slices, p));
    std::vector<int64_t> lopsided(static_cast<size_t>(p) + 1);
    std::iota(lopsided.begin(), lopsided.end(), 0);
    lopsided.back() = slices;
    all.push_back(lopsided);
  }
  return all;
}

inline void check_everything(Communicator& group) {
  const auto all = cuts(group.size());
  for (const int64_t n : {0, 1, 7, 2048, 20'000}) {
    for (const auto& bounds : all) check_sums(group, bounds, n);
    for (const DType dtype : {DType::kF32, DType::kBF16}) check_moves(group, dtype, n);
  }
  check_sums(group, all.back(), 1'000'000);
  check_moves(group, DType::kF32, 1'100'000);  // 4.4 MB: more than any buffer holds
  if (::testing::Test::HasFatalFailure()) group.abort("a check failed");
}

}  // namespace kerf::testing
