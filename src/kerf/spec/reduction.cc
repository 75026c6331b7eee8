#include "kerf/spec/reduction.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kerf/base/check.h"

namespace kerf {

namespace {

struct Node {
  int64_t begin, end;
};

// Appends, left to right, the maximal tree nodes of [node] that lie inside run.
void collect_cover(Node node, Node run, std::vector<Node>& cover) {
  if (node.end <= run.begin || run.end <= node.begin) return;
  if (run.begin <= node.begin && node.end <= run.end) {
    cover.push_back(node);
    return;
  }
  const int64_t middle = (node.begin + node.end) / 2;
  collect_cover({node.begin, middle}, run, cover);
  collect_cover({middle, node.end}, run, cover);
}

// Extends `program`, whose next item is items[next], by the evaluation of `node`. The items are
// tree nodes, left to right, and node is a union of some of them.
void evaluate(Node node, const std::vector<Node>& items, MergeProgram& program, int& stack) {
  const Node& item = items[program.merges.size()];
  KERF_CHECK(item.begin == node.begin && item.end <= node.end);
  if (item.end == node.end) {
    program.merges.push_back(0);
    program.depth = std::max(program.depth, ++stack);
    return;
  }
  const int64_t middle = (node.begin + node.end) / 2;
  evaluate({node.begin, middle}, items, program, stack);
  evaluate({middle, node.end}, items, program, stack);
  ++program.merges.back();
  --stack;
}

// The program that turns items into the nodes of results.
MergeProgram make_program(const std::vector<Node>& items, const std::vector<Node>& results) {
  MergeProgram program;
  int stack = 0;
  for (const Node& result : results) evaluate(result, items, program, stack);
  KERF_CHECK(program.merges.size() == items.size());
  program.results = stack;
  return program;
}

}  // namespace

std::vector<int64_t> even_bounds(int64_t units, int parts) {
  KERF_CHECK(parts >= 1 && units >= 0);
  std::vector<int64_t> bounds;
  for (int64_t i = 0; i <= parts; ++i) bounds.push_back(i * units / parts);
  return bounds;
}

std::vector<int64_t> weighted_bounds(int64_t units, const std::vector<double>& weights) {
  const auto parts = static_cast<int64_t>(weights.size());
  double total = 0;
  for (const double weight : weights) {
    KERF_CHECK(weight > 0);
    total += weight;
  }
  std::vector<int64_t> bounds = {0};
  double before = 0;
  for (int64_t i = 1; i <= parts; ++i) {
    before += weights[static_cast<size_t>(i - 1)];
    const auto ideal = static_cast<int64_t>(std::llround(static_cast<double>(units) * (before / total)));
    // Leave at least one unit for this part and for each part to come, as far as there are units.
    const int64_t least = std::min(units, bounds.back() + 1);
    const int64_t most = std::max(least, units - (parts - i));
    bounds.push_back(i == parts ? units : std::clamp(ideal, least, most));
  }
  return bounds;
}

ReductionTree::ReductionTree(std::vector<int64_t> slice_bounds) : bounds_(std::move(slice_bounds)) {
  KERF_CHECK(bounds_.size() >= 2 && bounds_.front() == 0);
  const Node root{0, bounds_.back()};
  std::vector<Node> all_nodes;
  bool single = true;
  for (int rank = 0; rank < ranks(); ++rank) {
    const Node run{bounds_[static_cast<size_t>(rank)], bounds_[static_cast<size_t>(rank) + 1]};
    KERF_CHECK(run.begin < run.end, "a rank without a slice");
    std::vector<Node> leaves;
    for (int64_t slice = run.begin; slice < run.end; ++slice) leaves.push_back({slice, slice + 1});
    std::vector<Node> cover;
    collect_cover(root, run, cover);
    local_.push_back(make_program(leaves, cover));
    max_nodes_ = std::max(max_nodes_, nodes(rank));
    single = single && cover.size() == 1;
    all_nodes.insert(all_nodes.end(), cover.begin(), cover.end());
  }
  finish_ = make_program(all_nodes, {root});

  // Recursive doubling adds neighbours at distance 1, 2, 4, …: after rank r, as many merges as
  // r + 1 has trailing zero bits.
  recursive_doubling_ = single && std::has_single_bit(static_cast<unsigned>(ranks()));
  for (int rank = 0; rank < ranks() && recursive_doubling_; ++rank) {
    recursive_doubling_ =
        finish_.merges[static_cast<size_t>(rank)] == std::countr_zero(static_cast<unsigned>(rank + 1));
  }
}

}  // namespace kerf
