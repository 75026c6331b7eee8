// The order in which a reduction that may be cut over ranks is summed: canonical slices and one
// fixed binary tree over them. Everything about "same bits under any cut" rests on this file.
//
// A row-parallel matmul sums over K. K is cut into S slices whose bounds belong to the model, not to
// the plan. Each slice is accumulated in order; the slices are leaves of a binary tree in which
// node [a, b) has the children [a, m) and [m, b), m = (a + b) / 2. The value of the root is
// the answer. A rank owns a run of consecutive slices, sums every node that lies inside its run
// and has no parent there (its cover), and hands these few nodes to the all-reduce, which finishes
// the tree. With a power of two of ranks that divides S, each rank's cover is one node.
//
// S needs not be a power of two, nor do slices need equal lengths: 28 heads, 231 quantisation
// groups, 3 or 7 ranks follow the same rule and give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kerf {

// Bounds of `parts` consecutive, almost equal parts of [0, units): parts + 1 values,
// bounds[i] = floor(i * units / parts). REQUIRES: parts >= 1, units >= 0.
[[nodiscard]] std::vector<int64_t> even_bounds(int64_t units, int parts);

// The same with given relative sizes: part i gets about weights[i] / sum(weights) of the units, and
// at least one when units >= parts. REQUIRES: every weight > 0.
[[nodiscard]] std::vector<int64_t> weighted_bounds(int64_t units, const std::vector<double>& weights);

// At most this many slices per reduction, so at most this many tensor-parallel ranks.
inline constexpr int kMaxSlices = 16;

// A program for evaluating part of the tree with a stack: push the items one by one from left to
// right; after item i, merges[i] times replace the two topmost entries a, b by a + b. What is left on the
// stack, bottom first, is the result.
struct MergeProgram {
  std::vector<uint8_t> merges;  // one per item
  int results = 0;              // entries left on the stack
  int depth = 0;                // most entries ever on the stack
  bool operator==(const MergeProgram&) const = default;
};

// One reduction, cut over ranks: rank r owns slices [bounds[r], bounds[r + 1]).
class ReductionTree {
 public:
  // REQUIRES: bounds is increasing from 0; every rank owns at least one slice.
  explicit ReductionTree(std::vector<int64_t> slice_bounds);

  [[nodiscard]] int slices() const { return static_cast<int>(bounds_.back()); }
  [[nodiscard]] int ranks() const { return static_cast<int>(bounds_.size()) - 1; }

  // Sums rank's own slices to its cover; results = the cover's size.
  [[nodiscard]] const MergeProgram& local(int rank) const { return local_[static_cast<size_t>(rank)]; }
  [[nodiscard]] int nodes(int rank) const { return local(rank).results; }

  // Sums all ranks' covers, rank after rank, to the root; results = 1.
  [[nodiscard]] const MergeProgram& finish() const { return finish_; }
  [[nodiscard]] int total_nodes() const { return static_cast<int>(finish_.merges.size()); }
  [[nodiscard]] int max_nodes() const { return max_nodes_; }

  // True when every rank's cover is one node and ranks are a power of two whose recursive doubling
  // between neighbours is this tree.
  [[nodiscard]] bool is_recursive_doubling() const { return recursive_doubling_; }

 private:
  std::vector<int64_t> bounds_;
  std::vector<MergeProgram> local_;
  MergeProgram finish_;
  int max_nodes_ = 0;
  bool recursive_doubling_ = false;
};

}  // namespace kerf
