// How many layers each pipeline stage gets.
#include <algorithm>
#include <cstddef>
#include <numeric>

#include "kerf/base/check.h"
#include "kerf/planner/memory.h"

namespace kerf {

Status check_layout(const ModelShape& model, const Plan& plan) {
  if (plan.tp < 1 || plan.pp < 1 || plan.dp < 1 || plan.ep < 1) {
    return fail("tp {}, pp {}, dp {} and ep {} must be at least 1", plan.tp, plan.pp, plan.dp, plan.ep);
  }
  const int64_t layers = model.num_layers();
  if (plan.pp > layers) return fail("pp {} is too large: {} has {} layers", plan.pp, model.name, layers);
  if (int64_t{plan.tp} * plan.dp % plan.ep != 0) {
    return fail("ep {} does not divide tp * dp = {}", plan.ep, int64_t{plan.tp} * plan.dp);
  }
  if (!plan.tp_weights.empty() && plan.tp_weights.size() != static_cast<size_t>(plan.tp)) {
    return fail("{} weights are given for tp {}", plan.tp_weights.size(), plan.tp);
  }
  if (!std::ranges::all_of(plan.tp_weights, [](double weight) { return weight > 0; })) {
    return fail("the weights of the tp ranks must be positive");
  }
  if (plan.pp_layers.empty()) return Ok{};
  const int64_t sum = std::accumulate(plan.pp_layers.begin(), plan.pp_layers.end(), int64_t{0});
  const bool positive = std::ranges::all_of(plan.pp_layers, [](int64_t n) { return n > 0; });
  if (plan.pp_layers.size() == static_cast<size_t>(plan.pp) && sum == layers && positive) return Ok{};
  return fail("the layers per stage must be {} positive numbers that add up to {}", plan.pp, layers);
}

std::vector<int64_t> stage_layer_counts(const ModelShape& model, const Plan& plan) {
  if (!plan.pp_layers.empty()) return plan.pp_layers;
  const int64_t layers = model.num_layers();
  std::vector<int64_t> counts(static_cast<size_t>(plan.pp), layers / plan.pp);
  for (int64_t stage = 0; stage < layers % plan.pp; ++stage) ++counts[static_cast<size_t>(stage)];
  return counts;
}

namespace {

// Work of a stage in units of the weights that one token meets.
class Work {
 public:
  Work(const ModelShape& model, size_t pp) : pp_(pp) {
    before_.push_back(0);
    for (const int kind : model.layers) {
      const LayerShape& layer = model.kinds[static_cast<size_t>(kind)];
      before_.push_back(before_.back() + static_cast<double>(layer.active_params()));
    }
    const int64_t head = model.head_params > 0 ? model.head_params : model.embedding_params - model.position_params;
    head_ = static_cast<double>(head);
    // Looking rows up costs next to nothing; enough that the first stage is the one to get fewer layers.
    embedding_ = 1e-3 * before_.back() / static_cast<double>(model.num_layers());
  }

  [[nodiscard]] size_t layers() const { return before_.size() - 1; }
  [[nodiscard]] double of(size_t stage, size_t first, size_t end) const {
    return before_[end] - before_[first] + (stage == 0 ? embedding_ : 0) + (stage + 1 == pp_ ? head_ : 0);
  }

 private:
  size_t pp_;
  std::vector<double> before_;
  double embedding_ = 0;
  double head_ = 0;
};

struct Best {
  double longest = 0;
  double squares = 0;
  size_t first = 0;  // layer of the stage
  [[nodiscard]] bool worse_than(double other_longest, double other_squares) const {
    return other_longest < longest || (other_longest == longest && other_squares < squares);
  }
};

}  // namespace

// Dynamic programme over (stage, end): the least longest stage, then the least sum of squares.
std::vector<int64_t> balanced_layer_counts(const ModelShape& model, int pp) {
  const auto stages = static_cast<size_t>(pp);
  const Work work(model, stages);
  const size_t layers = work.layers();
  KERF_CHECK(pp >= 1 && stages <= layers, "stages without layers");
  const Best none{.longest = 1e300, .squares = 1e300};
  std::vector<std::vector<Best>> best(stages, std::vector<Best>(layers + 1, none));
  for (size_t end = 1; end <= layers; ++end) {
    const double cost = work.of(0, 0, end);
    best[0][end] = {.longest = cost, .squares = cost * cost};
  }
  for (size_t stage = 1; stage < stages; ++stage) {
    for (size_t end = stage + 1; end <= layers; ++end) {
      for (size_t first = stage; first < end; ++first) {
        const double cost = work.of(stage, first, end);
        const Best& before = best[stage - 1][first];
        const double longest = std::max(before.longest, cost);
        const double squares = before.squares + cost * cost;
        if (best[stage][end].worse_than(longest, squares)) best[stage][end] = {longest, squares, first};
      }
    }
  }
  std::vector<int64_t> counts(stages);
  size_t end = layers;
  for (size_t stage = stages; stage-- > 0;) {
    const size_t first = stage > 0 ? best[stage][end].first : 0;
    counts[stage] = static_cast<int64_t>(end - first);
    end = first;
  }
  return counts;
}

}  // namespace kerf
