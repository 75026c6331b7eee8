// The time of kerf's own step, from what its probe measured: the operations of model/block.cc in their order.
#include <algorithm>
#include <cmath>

#include "kerf/base/check.h"
#include "kerf/planner/host_rates.h"
#include "kerf/planner/step_model.h"
#include "kerf/spec/reduction.h"

namespace kerf {

namespace {

constexpr double kF32 = 4;  // bytes; activations are f32

double weight_bits(const StorageFormat& format) {
  return format.bits + (format.group > 0 ? format.group_bits / static_cast<double>(format.group) : 0);
}

constexpr double kRowsTogether = 8;  // kernels/attention.inc.h

// The cache's type, as the probe names it; both halves of 16 bits widen alike.
std::string_view kv_format(const ModelShape& model) {
  return model.kv_bits >= 32 ? "f32" : model.kv_bits < 16 ? "int8" : "bf16";
}

// The largest part of `units` that a tp rank owns, cut as mesh/partition.cc cuts: whole slices.
struct Share {
  double units = 0;
  double fraction = 0;
  double nodes = 1;   // of the reduction tree that the fullest rank sends
  double slices = 1;  // that the fullest rank sums
};

Share largest_share(int64_t units, const Plan& plan, bool sliced) {
  if (units <= 0) return {};
  const int64_t slices = sliced ? std::min<int64_t>(kMaxSlices, units) : units;
  const bool weighted = plan.tp_weights.size() == static_cast<size_t>(plan.tp);
  const std::vector<int64_t> ranks = weighted ? weighted_bounds(slices, plan.tp_weights) : even_bounds(slices, plan.tp);
  Share share;
  for (size_t r = 0; r + 1 < ranks.size(); ++r) {
    const auto first = static_cast<double>(ranks[r] * units / slices);
    const auto last = static_cast<double>(ranks[r + 1] * units / slices);
    share.units = std::max(share.units, last - first);
    if (sliced) share.slices = std::max(share.slices, static_cast<double>(ranks[r + 1] - ranks[r]));
  }
  share.fraction = share.units / static_cast<double>(units);
  const bool whole = std::ranges::adjacent_find(ranks, [](int64_t a, int64_t b) { return b <= a; }) == ranks.end();
  if (sliced && whole) share.nodes = ReductionTree(ranks).max_nodes();
  return share;
}

// What stage() works with: the ranks' place on the hosts, and the step.
struct Place {
  double threads = 1;          // of a rank
  double active = 1;           // threads that compute at the same time on one host
  double working_set_mb = 0;   // weights that a host reads in turn
  std::string_view tp_link;    // "shm" or "mpi"
  std::string_view send_link;  // of the hop after the stage
};

class HostStepModel final : public StepModel {
 public:
  HostStepModel(const ModelShape& model, const MachineSpec& machine, int threads)
      : model_(model),
        rates_(machine.host),
        hosts_(std::max(1, machine.num_nodes())),
        threads_(threads),
        spread_(machine.host.spread) {
    double bytes = static_cast<double>(model.head_params > 0 ? model.head_params : model.embedding_params) *
                   weight_bits(model.head_format) / 8;
    for (const int kind : model.layers) {
      const LayerShape& layer = model.kinds[static_cast<size_t>(kind)];
      bytes += static_cast<double>(layer.attention_params()) * weight_bits(model.attention_format) / 8;
      const AttentionShape& a = layer.attention;
      kv_mb_per_token_ += static_cast<double>(a.kv_heads * (a.head_dim + a.v_head_dim)) * model.kv_bits / 8e6;
      bytes += static_cast<double>(layer.mlp.dense_params) * weight_bits(model.mlp_format) / 8;
      bytes += static_cast<double>(layer.mlp.experts * layer.mlp.expert_params) * weight_bits(model.expert_format) / 8;
    }
    weight_mb_ = bytes / 1e6;
  }

  [[nodiscard]] StepCost stage(const Plan& plan, const StageLayers& layers, const StepShape& step) const override;
  // More ranks than cores are slow, not impossible.
  [[nodiscard]] bool room(const Plan& /*plan*/) const override { return true; }
  [[nodiscard]] Basis basis() const override { return Basis::kMeasured; }
  // The rates themselves move by half their spread; what the model leaves out is a few per cent more.
  [[nodiscard]] double relative_error() const override { return std::max(0.05, spread_ / 2); }

 private:
  [[nodiscard]] Place place(const Plan& plan, const StageLayers& layers, const StepShape& step) const;
  // [outputs, inputs], summed over `slices` slices of the inputs.
  void linear(const Place& at, const StorageFormat& format, double rows, double outputs, double inputs, double slices,
              StepCost& cost) const;
  void attention(const Plan& plan, const Place& at, const AttentionShape& a, const StepShape& step,
                 StepCost& cost) const;
  void mlp(const Plan& plan, const Place& at, const MlpShape& m, const StepShape& step, StepCost& cost) const;
  void reduce(const Plan& plan, const Place& at, double tokens, double nodes, StepCost& cost) const;
  void head(const Plan& plan, const Place& at, const StepShape& step, StepCost& cost) const;

  // This rank's part of the bandwidth, bytes per second.
  [[nodiscard]] double read_rate(const Place& at) const {
    return rates_.read_bytes_per_s(std::min<double>(at.active, rates_.cores())) * at.threads / at.active;
  }

  // `count` elements of an operation. rows > 0: a loop over so many rows that the threads share.
  [[nodiscard]] double elements(const Place& at, std::string_view op, double count, double rows = 0) const {
    const double seconds = rates_.element_s(op) * count * rates_.slowdown(at.active);
    if (rows <= 1 || at.threads <= 1) return seconds;
    return seconds * std::ceil(rows / at.threads) / rows + rates_.fork_s(at.threads);
  }

  // Elements that one thread, or all together, read after other threads of the rank have written them.
  [[nodiscard]] double exchange(const Place& at, double by_one, double by_all) const {
    if (at.threads <= 1) return 0;
    return rates_.element_s("exchange") * (by_one + by_all / at.threads);
  }

  const ModelShape& model_;
  HostRates rates_;
  int hosts_;
  int threads_;
  double spread_;
  double weight_mb_ = 0;        // that a pass reads
  double kv_mb_per_token_ = 0;  // of all layers
};

Place HostStepModel::place(const Plan& plan, const StageLayers& layers, const StepShape& step) const {
  const int ranks = plan.ranks() * plan.dp;
  const int here = (ranks + hosts_ - 1) / hosts_;
  Place at;
  at.threads = threads_ > 0 ? threads_ : std::max(1, rates_.cores() / here);
  const double computing = std::clamp(step.active, 1.0 / plan.pp, 1.0);
  const double ranks_active = std::max(std::min(plan.tp, here) * 1.0, here * computing);
  at.active = at.threads * ranks_active;
  // Of a decoding step; a prompt's tokens come back to the keys and values of few blocks at a time.
  const double sequences = step.sequences * std::max(1.0, plan.pp * computing);
  at.working_set_mb = (weight_mb_ + kv_mb_per_token_ * sequences * std::max(0.0, step.context)) * plan.dp / hosts_;
  const auto host_of = [&](int stage, int tp_rank) { return (stage * plan.tp + tp_rank) / here; };
  const int next = (layers.stage + 1) % plan.pp;  // the last stage answers the first
  const bool one_host = host_of(layers.stage, 0) == host_of(layers.stage, plan.tp - 1);
  at.tp_link = one_host ? "shm" : "mpi";
  at.send_link = host_of(layers.stage, plan.tp - 1) == host_of(next, plan.tp - 1) ? "shm" : "mpi";
  return at;
}

// nn/weights.cc, PackedMatrix::multiply.
void HostStepModel::linear(const Place& at, const StorageFormat& format, double rows, double outputs, double inputs,
                           double slices, StepCost& cost) const {
  if (outputs <= 0 || inputs <= 0 || rows <= 0) return;
  const double seconds = rates_.matmul_s({.format = format.name,
                                          .rows = rows,
                                          .outputs = outputs,
                                          .inputs = inputs,
                                          .slices = slices,
                                          .threads = at.threads,
                                          .active = at.active,
                                          .working_set_mb = at.working_set_mb});
  const double bytes = outputs * inputs * weight_bits(format) / 8;
  const double reading = std::min(bytes / read_rate(at), seconds);
  cost.weights_s += reading;
  cost.compute_s += seconds - reading;
  constexpr double kRowsPerPrepare = 8;
  cost.compute_s += elements(at, rates_.prepare_op(format.name), rows * inputs, std::ceil(rows / kRowsPerPrepare));
  cost.compute_s += rates_.fork_s(at.threads);
}

// nn/tensor_parallel.cc: the residual's placement is Replicated, or with sp Split over tokens.
void HostStepModel::reduce(const Plan& plan, const Place& at, double tokens, double nodes, StepCost& cost) const {
  const double width = static_cast<double>(model_.hidden_size);
  if (plan.tp == 1) return;  // one node, summed where it lies
  const double bytes = tokens * width * kF32;
  const auto collective = [&](std::string_view op, double of) {
    return rates_.collective_s(op, at.tp_link, plan.tp, of);
  };
  cost.all_reduce_s += plan.sp ? collective("reduce_scatter", bytes * nodes) + collective("all_gather", bytes)
                               : collective("all_reduce", bytes * nodes);
}

// nn/attention.cc
void HostStepModel::attention(const Plan& plan, const Place& at, const AttentionShape& a, const StepShape& step,
                              StepCost& cost) const {
  if (a.kind == AttentionKind::kNone) return;
  const auto hidden = static_cast<double>(model_.hidden_size);
  const Share heads = largest_share(a.heads, plan, true);
  const double group = a.kv_heads > 0 ? static_cast<double>(a.heads) / static_cast<double>(a.kv_heads) : 1;
  const double kv_heads =
      a.kv_heads > 0 ? std::min(std::ceil(heads.units / group), static_cast<double>(a.kv_heads)) : 0;
  const double kv_share = a.kv_heads > 0 ? kv_heads / static_cast<double>(a.kv_heads) : 0;
  const auto dim = static_cast<double>(a.head_dim);
  const double tokens = step.tokens;

  const double column = static_cast<double>(a.column_params - a.kv_column_params) * heads.fraction +
                        static_cast<double>(a.kv_column_params) * kv_share + static_cast<double>(a.replicated_params);
  const double row = static_cast<double>(a.row_params) * heads.fraction;
  linear(at, model_.attention_format, tokens, column / hidden, hidden, 1, cost);
  linear(at, model_.attention_format, tokens, hidden, row / hidden, heads.slices, cost);
  cost.compute_s += exchange(at, tokens * (2 * hidden + heads.units * dim), tokens * column / hidden);
  reduce(plan, at, tokens, heads.nodes, cost);

  double seconds = elements(at, "rope", tokens * (heads.units + kv_heads) * dim, tokens);
  // Neighbouring positions of one prompt share cache lines, which the threads take from each other.
  const bool shares = at.threads > 1 && step.prefill && rates_.element_s("store_shared") > 0;
  seconds += rates_.element_s(shares ? "store_shared" : "store") * tokens * kv_heads * dim /
             (shares ? 1 : std::min(at.threads, std::max(1.0, tokens)));
  // Blocks of 64 positions are computed whole as far as keys go, which are half of the work.
  constexpr double kPartialBlock = 16;
  const double own = step.prefill ? tokens / std::max(1.0, step.sequences) / 2 : 1;
  double context = std::max(1.0, step.context + own);
  if (a.window > 0) context = std::min(context, static_cast<double>(a.window));
  const double tasks = tokens * kv_heads;
  if (tasks > 0) {
    // A prompt's tokens read the same keys and values together, at the pace of a group as large as the kernel takes.
    const double group_here = heads.units / kv_heads;
    const double together = step.prefill ? std::max(group_here, kRowsTogether) : group_here;
    const double one = rates_.attention_s(kv_format(model_), together, dim, context + kPartialBlock,
                                          step.prefill ? 0 : at.working_set_mb, at.active) *
                       group_here / together;
    const double computing = one * std::ceil(tasks / at.threads) * rates_.slowdown(at.active);
    const double kv_bytes =
        step.sequences * context * kv_heads * static_cast<double>(a.head_dim + a.v_head_dim) * model_.kv_bits / 8;
    const double reading = step.prefill ? 0 : kv_bytes / read_rate(at);
    seconds += std::max(computing, reading) + (tasks > 1 ? rates_.fork_s(at.threads) : 0);
  }
  cost.attention_s += seconds;
}

// nn/mlp.cc; of experts, which kerf doesn't run yet, those that the step's tokens reach.
void HostStepModel::mlp(const Plan& plan, const Place& at, const MlpShape& m, const StepShape& step,
                        StepCost& cost) const {
  const auto hidden = static_cast<double>(model_.hidden_size);
  const double parts = m.gated ? 3 : 2;
  if (m.dense_params > 0) {
    const Share inner = largest_share(m.intermediate, plan, true);
    const double part = static_cast<double>(m.dense_params) * inner.fraction / parts / hidden;
    linear(at, model_.mlp_format, step.tokens, part * (parts - 1), hidden, 1, cost);
    cost.compute_s += elements(at, "gate", step.tokens * inner.units, std::max(step.tokens, at.threads));
    linear(at, model_.mlp_format, step.tokens, hidden, part, inner.slices, cost);
    cost.compute_s += exchange(at, step.tokens * (2 * hidden + inner.units), step.tokens * part * (parts - 1));
    reduce(plan, at, step.tokens, inner.nodes, cost);
  }
  if (m.experts > 0) {
    const auto experts = static_cast<double>(m.experts);
    const double reached =
        experts * (1 - std::pow(1 - static_cast<double>(m.experts_per_token) / experts, step.tokens));
    const double rows = step.tokens * static_cast<double>(m.experts_per_token) / std::max(1.0, reached);
    linear(at, model_.expert_format, rows, reached * static_cast<double>(m.expert_params) / plan.tp, hidden, false,
           cost);
  }
}

// nn/embedding.cc, Head; engine/slot_sampler.cc
void HostStepModel::head(const Plan& plan, const Place& at, const StepShape& step, StepCost& cost) const {
  const auto hidden = static_cast<double>(model_.hidden_size);
  const auto vocab = static_cast<double>(model_.vocab_size);
  const double rows = step.sequences;
  if (rows <= 0) return;
  const Share own = largest_share(model_.vocab_size, plan, false);
  StepCost linears;
  linear(at, model_.head_format, rows, own.units, hidden, 1, linears);
  cost.head_s += linears.total() + elements(at, "norm", rows * hidden) + elements(at, "copy", rows * vocab);
  cost.head_s += elements(at, "sample", rows * vocab);
  if (plan.tp == 1) {
    cost.head_s += elements(at, "copy", rows * vocab);
  } else {
    cost.all_reduce_s += rates_.collective_s("all_gather", at.tp_link, plan.tp, rows * vocab * kF32);
  }
}

StepCost HostStepModel::stage(const Plan& plan, const StageLayers& layers, const StepShape& step) const {
  const Place at = place(plan, layers, step);
  const auto hidden = static_cast<double>(model_.hidden_size);
  const double own_tokens = plan.sp ? std::ceil(step.tokens / plan.tp) : step.tokens;
  StepCost cost;
  std::vector<double> of_kind(model_.kinds.size());
  for (int64_t i = layers.first; i < layers.first + layers.count; ++i) {
    ++of_kind[static_cast<size_t>(model_.layers[static_cast<size_t>(i)])];
  }
  for (size_t kind = 0; kind < of_kind.size(); ++kind) {
    if (of_kind[kind] == 0) continue;
    StepCost one;
    attention(plan, at, model_.kinds[kind].attention, step, one);
    mlp(plan, at, model_.kinds[kind].mlp, step, one);
    one.compute_s += 2 * (elements(at, "norm", own_tokens * hidden, own_tokens) +
                          elements(at, "add", own_tokens * hidden, own_tokens));
    cost.weights_s += of_kind[kind] * one.weights_s;
    cost.compute_s += of_kind[kind] * one.compute_s;
    cost.attention_s += of_kind[kind] * one.attention_s;
    cost.all_reduce_s += of_kind[kind] * one.all_reduce_s;
  }
  if (layers.embeds) {
    cost.head_s += elements(at, "embed", step.tokens * hidden, step.tokens);
    if (plan.tp == 1) cost.head_s += elements(at, "copy", step.tokens * hidden);
    reduce(plan, at, step.tokens, 1, cost);
  }
  if (layers.heads) head(plan, at, step, cost);

  const double dim = model_.kinds.empty() ? 0 : static_cast<double>(model_.kinds.front().attention.head_dim);
  cost.overhead_s += elements(at, "angle", step.tokens * dim / 2);
  cost.overhead_s += rates_.step_s() / plan.pp;
  // The step's length and bytes: to the tp group of the first stage, from stage to stage, and the answer back.
  constexpr double kStepBytes = 64;
  const double step_bytes = kStepBytes + 8 * step.tokens;
  if (layers.embeds) cost.overhead_s += 2 * rates_.collective_s("broadcast", at.tp_link, plan.tp, step_bytes);
  if (plan.pp > 1) {
    // A stage that has had nothing to do sleeps.
    const double idle = step.active < 1 ? 1 : 0;
    const double message = 2 * rates_.collective_s("send", at.send_link, 2, step_bytes) +
                           idle * rates_.collective_s("wake", at.send_link, 2, 8);
    if (layers.heads) {
      cost.overhead_s += message;  // the answer, to rank 0
    } else {
      cost.send_s += message + rates_.collective_s("send", at.send_link, 2, own_tokens * hidden * kF32);
    }
  }
  return cost;
}

}  // namespace

std::unique_ptr<const StepModel> make_host_step_model(const ModelShape& model, const MachineSpec& machine,
                                                      const EngineSpec& /*engine*/, int threads) {
  return std::make_unique<HostStepModel>(model, machine, threads);
}

}  // namespace kerf
