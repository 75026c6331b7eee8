#include "kerf/planner/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kerf/planner/layer_bytes.h"
#include "kerf/planner/shares.h"

namespace kerf {

namespace {

double count(int64_t n) { return static_cast<double>(n); }

// What one rank holds of one kind of layer under a plan.
struct RankLayer {
  double weights = 0;
  double kv_per_token = 0;
  double state_per_seq = 0;
};

// What is the same for all stages of a plan.
struct Cut {
  const Plan* plan = nullptr;
  std::vector<RankLayer> kinds;
  double token_rows = 0;  // of the embedding
  double head = 0;        // or the tied embedding
  double activations = 0;
  double last_activations = 0;
  double buffers = 0;
};

constexpr double kUnbounded = 1e15;  // tokens of a stage that has no growing cache

int64_t layers_of_stage(const Plan& plan, int64_t layers, int stage) {
  if (!plan.pp_layers.empty()) return plan.pp_layers[static_cast<size_t>(stage)];
  return layers / plan.pp + (stage < layers % plan.pp ? 1 : 0);
}

std::string shown_bytes(double bytes) { return fmt::format("{:.1f} GB", bytes / 1e9); }

}  // namespace

double hidden_state_bytes(const ModelShape& model, const Plan& plan, double tokens) {
  const double rows = plan.sp ? tokens / plan.tp : tokens;
  return rows * count(model.hidden_size) * model.plain_bits / 8;
}

int expert_tp(const Plan& plan) { return plan.ep > 1 ? plan.tp * plan.dp / plan.ep : plan.tp; }

struct MemoryModel::Impl {
  ModelShape model;
  EngineSpec engine;
  Workload workload;
  double memory_bytes = 0;  // of a device
  double length = 0;        // tokens of a whole sequence
  double embedding = 0;
  double positions = 0;  // learned ones: of the embedding's bytes
  double head = 0;
  std::vector<LayerBytes> kinds;
  std::vector<std::vector<int32_t>> before;  // [kinds][layers + 1] layers of the kind before a layer

  [[nodiscard]] Cut cut(const Plan& plan) const;
  [[nodiscard]] RankMemory rank(const Cut& cut, int stage, int64_t first, int64_t end) const;
  [[nodiscard]] RankLayer rank_layer(size_t kind, const Plan& plan, const Shares& shares) const;
  [[nodiscard]] double activations(const Plan& plan, const Shares& shares, bool heads) const;
  [[nodiscard]] double buffers(const Plan& plan) const;
  [[nodiscard]] double batched_tokens() const;
  void fill_kv(const Plan& plan, RankMemory& rank) const;
  [[nodiscard]] double sequences(double kv_tokens) const;
  [[nodiscard]] std::string missing(int stage, const RankMemory& rank) const;
};

RankLayer MemoryModel::Impl::rank_layer(size_t kind, const Plan& plan, const Shares& shares) const {
  const LayerBytes& bytes = kinds[kind];
  const LayerShape& layer = model.kinds[kind];
  const AttentionShape& a = layer.attention;
  const MlpShape& mlp = layer.mlp;
  const int64_t kv_heads = shares.kv_heads(a.heads, a.kv_heads);
  RankLayer rank;
  rank.weights = bytes.replicated + bytes.by_heads * shares.fraction(a.heads);
  if (a.kv_heads > 0) rank.weights += bytes.by_kv_heads * count(kv_heads) / count(a.kv_heads);
  rank.weights += bytes.by_intermediate * shares.fraction(mlp.intermediate);
  if (mlp.experts > 0) {
    const int64_t experts = (mlp.experts + plan.ep - 1) / plan.ep;
    const int64_t cut = expert_tp(plan);
    // A padded format fills the last group of each shard.
    const int64_t unit = model.expert_format.padded ? model.expert_format.group : 1;
    const int64_t inner = ((mlp.expert_intermediate + cut - 1) / cut + unit - 1) / unit * unit;
    const double share = cut > 1 ? count(inner) / count(mlp.expert_intermediate) : 1.0;
    rank.weights += bytes.of_expert * count(experts) * share;
  }
  rank.kv_per_token = (bytes.kv_of_head * count(kv_heads) + bytes.kv_replicated) * bytes.kv_counts;
  rank.state_per_seq = bytes.state_of_model * shares.fraction(a.heads);
  return rank;
}

Cut MemoryModel::Impl::cut(const Plan& plan) const {
  const Shares shares(plan, engine);
  Cut cut{.plan = &plan};
  cut.kinds.reserve(kinds.size());
  for (size_t kind = 0; kind < kinds.size(); ++kind) cut.kinds.push_back(rank_layer(kind, plan, shares));
  const double vocab = shares.fraction(model.vocab_size);
  cut.token_rows = (embedding - positions) * vocab;
  cut.head = model.tied_embeddings ? cut.token_rows : head * vocab;
  cut.activations = activations(plan, shares, false);
  cut.last_activations = activations(plan, shares, true);
  cut.buffers = buffers(plan);
  return cut;
}

RankMemory MemoryModel::Impl::rank(const Cut& cut, int stage, int64_t first, int64_t end) const {
  const bool last = stage == cut.plan->pp - 1;
  RankMemory rank;
  for (size_t kind = 0; kind < cut.kinds.size(); ++kind) {
    const double layers = before[kind][static_cast<size_t>(end)] - before[kind][static_cast<size_t>(first)];
    rank.weight_bytes += layers * cut.kinds[kind].weights;
    rank.kv_bytes_per_token += layers * cut.kinds[kind].kv_per_token;
    rank.state_bytes_per_seq += layers * cut.kinds[kind].state_per_seq;
  }
  if (stage == 0) rank.weight_bytes += cut.token_rows + positions + plain_bytes(model, model.extra_params);
  if (last) rank.weight_bytes += plain_bytes(model, model.final_norm_params);
  if (last && !(stage == 0 && model.tied_embeddings)) rank.weight_bytes += cut.head;
  rank.activation_bytes = last ? cut.last_activations : cut.activations;
  rank.buffer_bytes = cut.buffers;
  fill_kv(*cut.plan, rank);
  return rank;
}

double MemoryModel::Impl::batched_tokens() const {
  const auto tokens = count(engine.max_num_batched_tokens);
  return engine.chunked_prefill ? tokens : std::max(tokens, workload.isl);
}

double MemoryModel::Impl::activations(const Plan& plan, const Shares& shares, bool heads) const {
  const double tokens = batched_tokens();
  const double element = model.plain_bits / 8;
  double most = 0;
  if (heads) most = count(engine.max_num_seqs) * count(model.vocab_size) * (element + 8);
  for (const LayerShape& kind : model.kinds) {
    const AttentionShape& a = kind.attention;
    const MlpShape& mlp = kind.mlp;
    const double q = count(shares.most(a.heads));
    const double kv = a.kind == AttentionKind::kGrouped ? count(shares.kv_heads(a.heads, a.kv_heads)) : q;
    most = std::max(most, tokens * element * ((q + 2 * kv) * count(a.head_dim) + q * count(a.v_head_dim)));
    const double inner = mlp.gated ? 3 : 2;
    most = std::max(most, tokens * element * inner * count(shares.most(mlp.intermediate)));
    if (mlp.experts == 0) continue;
    const double lambda = workload.expert_imbalance > 1 ? workload.expert_imbalance : engine.expert_imbalance;
    const double imbalance = 1 + std::max(0.0, lambda - 1) * (1 - 1.0 / plan.ep);
    const double rows = tokens * (plan.ep > 1 ? plan.dp : 1) * count(mlp.experts_per_token) / plan.ep * imbalance;
    const double width = inner * count(mlp.expert_intermediate) / expert_tp(plan) + count(model.hidden_size);
    most = std::max(most, rows * element * width);
  }
  return 2 * hidden_state_bytes(model, plan, tokens) + most;
}

double MemoryModel::Impl::buffers(const Plan& plan) const {
  double bytes = engine.context_bytes;
  if (plan.ranks() > 1 || plan.ep > 1) bytes += engine.comm_bytes;
  if (plan.pp > 1) bytes += batched_tokens() * count(model.hidden_size) * model.plain_bits / 8;
  return bytes;
}

void MemoryModel::Impl::fill_kv(const Plan& plan, RankMemory& rank) const {
  const double seqs = std::min(count(engine.max_num_seqs), std::ceil(std::max(1.0, workload.concurrency / plan.dp)));
  const double used = rank.weight_bytes + rank.activation_bytes + rank.buffer_bytes;
  rank.available_bytes = memory_bytes * engine.memory_utilization;
  if (engine.utilization_of_free) {
    rank.available_bytes = used + std::max(0.0, memory_bytes - used) * engine.memory_utilization;
    if (used > memory_bytes) rank.available_bytes = memory_bytes;
  }
  const double free = rank.available_bytes - used - rank.state_bytes_per_seq * seqs;
  if (free < 0) return;
  const double block = count(std::max<int64_t>(1, engine.block_size));
  // A stage without a growing cache is bound by its states alone.
  rank.kv_tokens =
      rank.kv_bytes_per_token > 0 ? std::floor(free / (rank.kv_bytes_per_token * block)) * block : kUnbounded;
  rank.fits = rank.kv_tokens >= length;
}

double MemoryModel::Impl::sequences(double kv_tokens) const {
  const double block = count(std::max<int64_t>(1, engine.block_size));
  const double held = std::max(1.0, workload.isl + engine.output_reserve * workload.osl);
  return std::floor(kv_tokens / (std::ceil(held / block) * block));
}

std::string MemoryModel::Impl::missing(int stage, const RankMemory& rank) const {
  const double fixed = rank.weight_bytes + rank.activation_bytes + rank.buffer_bytes;
  const double cache = rank.kv_bytes_per_token * length + rank.state_bytes_per_seq;
  return fmt::format(
      "stage {} needs {} for weights, {} for activations and buffers and {} for the cache of one sequence of {:.0f} "
      "tokens, but a device has {} to give: {} are missing",
      stage, shown_bytes(rank.weight_bytes), shown_bytes(fixed - rank.weight_bytes), shown_bytes(cache), length,
      shown_bytes(rank.available_bytes), shown_bytes(std::max(0.0, fixed + cache - rank.available_bytes)));
}

MemoryModel::MemoryModel(const ModelShape& model, const DeviceKind& device, const EngineSpec& engine,
                         const Workload& workload) {
  auto impl = std::make_unique<Impl>();
  impl->model = model;
  impl->engine = engine;
  impl->workload = workload;
  impl->memory_bytes = device.memory_bytes;
  impl->length = std::max(1.0, workload.isl + workload.osl);
  impl->embedding = embedding_bytes(model);
  impl->positions = count(model.position_params) * model.embedding_format.bits_per_weight() / 8;
  impl->head = head_bytes(model);
  for (size_t kind = 0; kind < model.kinds.size(); ++kind) {
    impl->kinds.emplace_back(model, model.kinds[kind], impl->length);
    std::vector<int32_t> before{0};
    for (const int of : model.layers) before.push_back(before.back() + (of == static_cast<int>(kind) ? 1 : 0));
    impl->before.push_back(std::move(before));
  }
  impl_ = std::move(impl);
}

MemoryModel::~MemoryModel() = default;
MemoryModel::MemoryModel(MemoryModel&&) noexcept = default;
MemoryModel& MemoryModel::operator=(MemoryModel&&) noexcept = default;

PlanMemory MemoryModel::plan(const Plan& plan) const {
  const Impl& m = *impl_;
  PlanMemory memory;
  if (const Status layout = check_layout(m.model, plan); !layout.ok()) {
    memory.why = layout.error().message;
    return memory;
  }
  const Cut cut = m.cut(plan);
  memory.stages.reserve(static_cast<size_t>(plan.pp));
  memory.fits = true;
  memory.kv_tokens = kUnbounded;
  int64_t first = 0;
  for (int stage = 0; stage < plan.pp; ++stage) {
    const int64_t end = first + layers_of_stage(plan, m.model.num_layers(), stage);
    const RankMemory& rank = memory.stages.emplace_back(m.rank(cut, stage, first, end));
    if (!rank.fits && memory.fits) {
      memory.fits = false;
      memory.why = m.missing(stage, rank);
    }
    memory.kv_tokens = std::min(memory.kv_tokens, rank.kv_tokens);
    memory.weight_bytes = std::max(memory.weight_bytes, rank.weight_bytes);
    first = end;
  }
  memory.max_sequences = m.sequences(memory.kv_tokens);
  return memory;
}

PlanMemory plan_memory(const ModelShape& model, const DeviceKind& device, const EngineSpec& engine, const Plan& plan,
                       const Workload& workload) {
  return MemoryModel(model, device, engine, workload).plan(plan);
}

}  // namespace kerf
