// The time of a forward pass from catalogue figures: linears and attention by roofline with an efficiency curve,
// collectives from published measurements, overheads of the engine.
//
//   linears      (t_w⁴ + t_c⁴)^¼, t_w = bytes / (BW · e_w), t_c = 2 · params · (n + n½) / (F · e∞)
//   attention    prefill: 2 · pairs · heads · d / (F · e_a), pairs = s² (causal: s²/2 pairs of query and key, two
//                matmuls, 2 flops); decode: cached bytes / (BW · e_kv)
//   experts      as linears; a step of n tokens reads E · (1 − (1 − k/E)ⁿ) of E experts
//   collectives  two all-reduces of [n, h] per layer over TP; over attention data parallelism a gather and a scatter
//   overhead     per layer, step and sequence, by engine
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "kerf/planner/device_paths.h"
#include "kerf/planner/efficiency.h"
#include "kerf/planner/memory.h"
#include "kerf/planner/shares.h"
#include "kerf/planner/step_model.h"

namespace kerf {

namespace {

constexpr double kMicro = 1e-6;
constexpr double kGiga = 1e9;
constexpr double kTera = 1e12;
constexpr double kHiddenBytes = 2;  // of an activation on the wire
double number(int64_t n) { return static_cast<double>(n); }

// What one kind of device does with this model's formats under this engine.
struct DeviceRates {
  double weight_bytes_per_s = 0;
  double kv_bytes_per_s = 0;
  double attention_flops_per_s = 0;
  MatmulRate attention;
  MatmulRate mlp;
  ExpertRate expert;
  double overhead = 1;
  MatmulRate head;
};

// A time with what binds it.
struct Bound {
  double weights_s = 0;
  double compute_s = 0;
  Bound& operator+=(const Bound& other) {
    weights_s += other.weights_s;
    compute_s += other.compute_s;
    return *this;
  }
  [[nodiscard]] double total() const { return weights_s + compute_s; }
};

Bound bound(double weights_s, double compute_s) {
  const double both = overlapped(weights_s, compute_s);
  return weights_s >= compute_s ? Bound{.weights_s = both} : Bound{.compute_s = both};
}

class PublishedStepModel final : public StepModel {
 public:
  PublishedStepModel(const PublishedFigures& figures, const ModelShape& model, const MachineSpec& machine,
                     const EngineSpec& engine, const Workload& workload);

  [[nodiscard]] StepCost stage(const Plan& plan, const StageLayers& layers, const StepShape& step) const override;
  [[nodiscard]] bool room(const Plan& plan) const override { return paths_.room(plan); }
  [[nodiscard]] double launch_floor_s() const override { return launch_floor_s_; }
  [[nodiscard]] Basis basis() const override { return basis_; }
  [[nodiscard]] double relative_error() const override { return relative_error_; }

 private:
  // What a layer's time depends on beside its kind.
  struct Cut {
    const Plan& plan;
    const StepShape& step;
    const DeviceRates& rates;
    Shares shares;
    double coupled = 1;  // replicas that share one set of experts
    double tokens = 0;   // of all coupled replicas
    double imbalance = 1;
    double all_reduce_s = 0;  // of [step.tokens, h] over TP
    double exchange_s = 0;    // dispatch and combine over the expert group
  };

  [[nodiscard]] Cut cut_of(const Plan& plan, const StepShape& step, const DeviceRates& rates) const;
  [[nodiscard]] Bound linear(double params, double bits, double rows, const MatmulRate& rate,
                             const DeviceRates& rates) const;
  [[nodiscard]] Bound attention_linears(const AttentionShape& attention, const Cut& cut) const;
  [[nodiscard]] double attention_s(const AttentionShape& attention, const Cut& cut) const;
  [[nodiscard]] Bound experts(const MlpShape& mlp, const Cut& cut) const;
  void add_layers(const LayerShape& layer, double count, const Cut& cut, StepCost& cost) const;
  void add_head(const Plan& plan, const StepShape& step, const DeviceRates& rates, StepCost& cost) const;
  [[nodiscard]] double reduce_s(const Group& group, const Families& families, double bytes, bool sp) const;

  ModelShape model_;
  EngineSpec engine_;
  DevicePaths paths_;
  std::vector<DeviceRates> rates_;            // [device kinds]
  std::vector<std::vector<int32_t>> before_;  // [kinds][layers + 1] layers of the kind before a layer
  double workload_imbalance_ = 1;
  double launch_floor_s_ = 0;
  int64_t most_experts_per_token_ = 0;
  Basis basis_ = Basis::kPublished;
  double relative_error_ = 0;
};

PublishedStepModel::PublishedStepModel(const PublishedFigures& figures, const ModelShape& model,
                                       const MachineSpec& machine, const EngineSpec& engine, const Workload& workload)
    : model_(model),
      engine_(engine),
      paths_(machine, figures.fabrics),
      workload_imbalance_(workload.expert_imbalance),
      relative_error_(engine_.relative_error) {
  for (const DeviceKind& device : machine.device_kinds) {
    const Efficiency& efficiency = figures.efficiencies.find(device);
    const auto rate = [&](const StorageFormat& format) {
      MatmulRate result = matmul_rate(device, efficiency, format);
      const bool narrow = format.bits <= 8;
      result.flops_per_s *= engine_.compute_factor * (narrow ? engine_.narrow_compute_factor : 1);
      return result;
    };
    rates_.push_back({
        .weight_bytes_per_s = device.memory_gb_per_s * kGiga * efficiency.weights * engine_.bandwidth_factor,
        .kv_bytes_per_s =
            device.memory_gb_per_s * kGiga * efficiency.kv_cache * engine_.bandwidth_factor / engine_.attention_factor,
        .attention_flops_per_s = std::max(device.bf16_tflops, 1e-3) * kTera * efficiency.attention,
        .attention = rate(model_.attention_format),
        .mlp = rate(model_.mlp_format),
        .expert = expert_rate(device, efficiency, model_.expert_format),
        .overhead = efficiency.overhead,
        .head = rate(model_.head_format),
    });
    ExpertRate& experts = rates_.back().expert;
    experts.weights *= device.memory_gb_per_s * kGiga * engine_.bandwidth_factor * engine_.expert_bandwidth_factor;
    experts.flops_per_s *= engine_.expert_compute_factor;
    if (efficiency.basis == Basis::kAssumed || device.basis == Basis::kAssumed) {
      basis_ = Basis::kAssumed;
      constexpr double kUnfittedError = 0.2;  // between the fitted architectures' own factors
      relative_error_ = std::hypot(engine_.relative_error, kUnfittedError);
    }
  }
  for (size_t kind = 0; kind < model_.kinds.size(); ++kind) {
    const LayerShape& layer = model_.kinds[kind];
    const double launches = 1 + (layer.mlp.experts > 0 ? engine_.expert_launches : 0) +
                            (layer.attention.kind == AttentionKind::kLatent ? engine_.latent_launches : 0);
    most_experts_per_token_ = std::max(most_experts_per_token_, layer.mlp.experts_per_token);
    std::vector<int32_t> before{0};
    for (const int of : model_.layers) before.push_back(before.back() + (of == static_cast<int>(kind) ? 1 : 0));
    launch_floor_s_ += before.back() * launches * engine_.launch_us * kMicro * rates_.front().overhead;
    before_.push_back(std::move(before));
  }
}

Bound PublishedStepModel::linear(double params, double bits, double rows, const MatmulRate& rate,
                                 const DeviceRates& rates) const {
  const double weights_s = params * bits / 8 / rates.weight_bytes_per_s;
  return bound(weights_s, 2 * params * (rows + rate.half_rows) / rate.flops_per_s);
}

double PublishedStepModel::reduce_s(const Group& group, const Families& families, double bytes, bool sp) const {
  if (group.ranks < 2) return 0;
  const double eager_s = engine_.eager_collective_us * kMicro;
  if (!sp) return collective_s(CollectiveOp::kAllReduce, bytes, group, families) + eager_s;
  return collective_s(CollectiveOp::kReduceScatter, bytes, group, families) +
         collective_s(CollectiveOp::kAllGather, bytes, group, families) + 2 * eager_s;
}

PublishedStepModel::Cut PublishedStepModel::cut_of(const Plan& plan, const StepShape& step,
                                                   const DeviceRates& rates) const {
  Cut cut{.plan = plan, .step = step, .rates = rates, .shares = Shares(plan, engine_)};
  const bool spread = plan.ep > 1;
  cut.coupled = spread ? plan.dp : 1;
  cut.tokens = step.tokens * cut.coupled;
  const double lambda = workload_imbalance_ > 1 ? workload_imbalance_ : engine_.expert_imbalance;
  cut.imbalance = 1 + (lambda - 1) * (1 - 1.0 / plan.ep);
  const Group& tp = paths_.tp_group(plan);
  const double row_bytes = number(model_.hidden_size) * kHiddenBytes;
  cut.all_reduce_s = reduce_s(tp, families_of(tp.fabric, engine_.collectives), step.tokens * row_bytes, plan.sp);
  if (cut.coupled > 1) {
    const Group& all = paths_.expert_group(plan);
    const Families families = families_of(all.fabric, engine_.collectives);
    // Gathered, or sent to the experts chosen, whichever is less.
    const double chosen = number(most_experts_per_token_);
    const double rows = chosen > 0 ? std::min(cut.tokens, step.tokens * chosen) : cut.tokens;
    cut.exchange_s = reduce_s(all, families, rows * row_bytes, false);
  }
  return cut;
}

Bound PublishedStepModel::attention_linears(const AttentionShape& attention, const Cut& cut) const {
  const double heads = cut.shares.fraction(attention.heads);
  double params = number(attention.column_params - attention.kv_column_params + attention.row_params) * heads;
  params += number(attention.replicated_params);
  if (attention.kv_heads > 0) {
    const double kv = number(cut.shares.kv_heads(attention.heads, attention.kv_heads)) / number(attention.kv_heads);
    params += number(attention.kv_column_params) * kv;
  }
  return linear(params, model_.attention_format.bits_per_weight(), cut.step.tokens, cut.rates.attention, cut.rates);
}

double PublishedStepModel::attention_s(const AttentionShape& attention, const Cut& cut) const {
  const StepShape& step = cut.step;
  if (attention.kind == AttentionKind::kNone) return 0;
  if (attention.kind == AttentionKind::kLinear) {
    const double state = number(attention.state_elements) * attention.state_bits / 8;
    return 2 * step.sequences * state * cut.shares.fraction(attention.heads) / cut.rates.kv_bytes_per_s;
  }
  const double heads = number(cut.shares.most(attention.heads));
  const double width = number(attention.head_dim + attention.v_head_dim) / 2;
  const double window = attention.window > 0 ? number(attention.window) : 1e15;
  if (step.prefill) {
    const double length = step.tokens / step.sequences;
    // Twice the pairs of query and key: new tokens see all of the cache and half of one another, the window permitting.
    const double seen = std::min(step.context, window);
    const double own = length <= window ? length * length : 2 * length * window - window * window;
    const double pairs = step.sequences * (2 * length * seen + own);
    return 2 * pairs * heads * width / cut.rates.attention_flops_per_s * engine_.prefill_attention_factor;
  }
  const double cached = step.sequences * std::min(step.context, window);
  const double kv_bytes = model_.kv_bits / 8;
  if (attention.kind == AttentionKind::kLatent) {
    const double line = number(attention.kv_lora_rank + attention.rope_head_dim);
    const double read_s = cached * line * kv_bytes / cut.rates.kv_bytes_per_s;
    // Absorbed: every head multiplies with the compressed line, twice.
    const double flops = 2 * cached * heads * (line + number(attention.kv_lora_rank));
    return overlapped(read_s, flops / cut.rates.attention_flops_per_s);
  }
  const double kv_heads = number(cut.shares.kv_heads(attention.heads, attention.kv_heads));
  const double reread = 1 + engine_.attention_reread * (number(attention.heads) / number(attention.kv_heads) - 1);
  return cached * kv_heads * 2 * width * kv_bytes / cut.rates.kv_bytes_per_s * reread;
}

Bound PublishedStepModel::experts(const MlpShape& mlp, const Cut& cut) const {
  const double ranks = cut.plan.tp * cut.coupled;
  const double chosen = number(mlp.experts_per_token) / number(mlp.experts);
  const double read =
      number(mlp.experts) * (1 - std::pow(1 - chosen, std::max(1.0, cut.tokens * engine_.routing_spread)));
  const double params = number(mlp.expert_params);
  const DeviceRates& rates = cut.rates;
  const double weights_s =
      read * params * model_.expert_format.bits_per_weight() / 8 / ranks * cut.imbalance / rates.expert.weights;
  const double rows = cut.tokens * number(mlp.experts_per_token) * cut.imbalance;
  const double compute_s = 2 * params * (rows + read * rates.expert.half_rows) / ranks / rates.expert.flops_per_s;
  return bound(weights_s, compute_s);
}

void PublishedStepModel::add_layers(const LayerShape& layer, double count, const Cut& cut, StepCost& cost) const {
  Bound linears = attention_linears(layer.attention, cut);
  const MlpShape& mlp = layer.mlp;
  double overhead_s = engine_.layer_overhead_us * kMicro * cut.rates.overhead;
  overhead_s += engine_.elementwise_passes * cut.step.tokens * number(model_.hidden_size) * kHiddenBytes /
                cut.rates.weight_bytes_per_s;
  if (mlp.dense_params > 0) {
    const double params = number(mlp.dense_params) * cut.shares.fraction(mlp.intermediate);
    linears += linear(params, model_.mlp_format.bits_per_weight(), cut.step.tokens, cut.rates.mlp, cut.rates);
  }
  if (layer.attention.kind == AttentionKind::kLatent) {
    overhead_s += engine_.latent_overhead_us * kMicro * cut.rates.overhead;
  }
  const bool moe = mlp.experts > 0;
  if (moe) {
    linears += experts(mlp, cut);
    overhead_s += engine_.expert_overhead_us * kMicro * cut.rates.overhead;
  }
  cost.weights_s += count * linears.weights_s;
  cost.compute_s += count * linears.compute_s;
  cost.attention_s += count * attention_s(layer.attention, cut);
  cost.overhead_s += count * overhead_s;
  const bool exchanged = moe && cut.coupled > 1;
  cost.all_reduce_s += count * (exchanged ? 1 : 2) * cut.all_reduce_s;
  if (exchanged) cost.all_to_all_s += count * cut.exchange_s;
}

void PublishedStepModel::add_head(const Plan& plan, const StepShape& step, const DeviceRates& rates,
                                  StepCost& cost) const {
  const int64_t params = model_.head_params > 0 ? model_.head_params : model_.embedding_params - model_.position_params;
  const double share = 1.0 / plan.tp;
  const Bound matmul =
      linear(number(params) * share, model_.head_format.bits_per_weight(), step.sequences, rates.head, rates);
  cost.head_s += matmul.total();
  const Group& tp = paths_.tp_group(plan);
  const double bytes = step.sequences * number(model_.vocab_size) * kHiddenBytes;
  cost.all_reduce_s += collective_s(CollectiveOp::kAllGather, bytes, tp, families_of(tp.fabric, engine_.collectives));
  cost.overhead_s += engine_.sequence_overhead_us * kMicro * step.sequences;
}

StepCost PublishedStepModel::stage(const Plan& plan, const StageLayers& layers, const StepShape& step) const {
  const DeviceRates& rates = rates_[static_cast<size_t>(paths_.device_kind(plan, layers.stage))];
  const Cut cut = cut_of(plan, step, rates);
  StepCost cost;
  const auto first = static_cast<size_t>(layers.first);
  const auto end = static_cast<size_t>(layers.first + layers.count);
  for (size_t kind = 0; kind < before_.size(); ++kind) {
    const int32_t count = before_[kind][end] - before_[kind][first];
    if (count > 0) add_layers(model_.kinds[kind], count, cut, cost);
  }
  cost.overhead_s += engine_.step_overhead_us * kMicro / plan.pp;
  // A vocabulary cut over TP is summed once.
  if (layers.embeds) cost.all_reduce_s += cut.all_reduce_s;
  if (layers.heads)
    add_head(plan, step, rates, cost);
  else
    cost.send_s += send_s(step.tokens * number(model_.hidden_size) * kHiddenBytes, paths_.hop(plan));
  return cost;
}

}  // namespace

std::unique_ptr<const StepModel> make_published_step_model(const PublishedFigures& figures, const ModelShape& model,
                                                           const MachineSpec& machine, const EngineSpec& engine,
                                                           const Workload& workload) {
  return std::make_unique<PublishedStepModel>(figures, model, machine, engine, workload);
}

}  // namespace kerf
