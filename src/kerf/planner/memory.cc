#include "kerf/planner/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kerf/planner/shares.h"

namespace kerf {

namespace {

double count(int64_t n) { return static_cast<double>(n); }

// `params` of which `plain` are not quantised.
double stored_bytes(int64_t params, int64_t plain, const StorageFormat& format, double plain_bits) {
  return (count(params - plain) * format.bits_per_weight() + count(plain) * plain_bits) / 8;
}

// The bytes of one kind of layer, by what cuts them.
struct KindBytes {
  double by_heads = 0;
  double by_kv_heads = 0;
  double replicated = 0;
  double by_intermediate = 0;
  double of_expert = 0;
  double kv_of_head = 0;      // per token and key-value head
  double kv_replicated = 0;   // per token, on every rank
  double kv_counts = 1;       // share of a sequence's tokens that stay in the cache
  double state_of_model = 0;  // per sequence

  KindBytes(const ModelShape& model, const LayerShape& layer, double length);
  [[nodiscard]] double total(const MlpShape& mlp) const {
    return by_heads + by_kv_heads + replicated + by_intermediate + count(mlp.experts) * of_expert;
  }
};

KindBytes::KindBytes(const ModelShape& model, const LayerShape& layer, double length) {
  const AttentionShape& a = layer.attention;
  const MlpShape& mlp = layer.mlp;
  const StorageFormat& format = model.attention_format;
  // Biases of q, k and v are spread as their weights are.
  const double column = stored_bytes(a.column_params, a.plain_column_params, format, model.plain_bits);
  by_kv_heads = a.column_params > 0 ? column * count(a.kv_column_params) / count(a.column_params) : 0;
  by_heads = column - by_kv_heads + stored_bytes(a.row_params, 0, format, model.plain_bits);
  const int64_t plain = layer.norm_params + mlp.router_params;
  replicated = stored_bytes(a.replicated_params + plain, a.plain_replicated_params + plain, format, model.plain_bits);
  by_intermediate = stored_bytes(mlp.dense_params, mlp.plain_params, model.mlp_format, model.plain_bits);
  of_expert = stored_bytes(mlp.expert_params, mlp.plain_expert_params, model.expert_format, model.plain_bits);

  const double kv_bytes = model.kv_bits / 8;
  if (a.kind == AttentionKind::kGrouped) kv_of_head = count(a.head_dim + a.v_head_dim) * kv_bytes;
  if (a.kind == AttentionKind::kLatent) kv_replicated = count(a.kv_lora_rank + a.rope_head_dim) * kv_bytes;
  kv_replicated += a.cache_bytes_replicated;
  if (a.window > 0 && length > 0) kv_counts = std::min(1.0, count(a.window) / length);
  if (a.kind == AttentionKind::kLinear) state_of_model = count(a.state_elements) * a.state_bits / 8;
}

double embedding_bytes(const ModelShape& model) {
  return count(model.embedding_params) * model.embedding_format.bits_per_weight() / 8;
}

double head_bytes(const ModelShape& model) {
  return count(model.head_params) * model.head_format.bits_per_weight() / 8;
}

double plain_bytes(const ModelShape& model, int64_t params) { return count(params) * model.plain_bits / 8; }

// What one rank holds of one kind of layer under a plan.
struct RankLayer {
  double weights = 0;
  double kv_per_token = 0;
  double state_per_seq = 0;
};

// Plans whose layers can't be laid out at all.
std::string bad_layout(const Plan& plan, int64_t layers) {
  if (plan.tp < 1 || plan.pp < 1 || plan.dp < 1 || plan.ep < 1) {
    return fmt::format("tp {}, pp {}, dp {} and ep {} must be at least 1", plan.tp, plan.pp, plan.dp, plan.ep);
  }
  if (plan.pp > layers) return fmt::format("pp {} is too large: the model has {} layers", plan.pp, layers);
  if (int64_t{plan.tp} * plan.dp % plan.ep != 0) {
    return fmt::format("ep {} does not divide tp * dp = {}", plan.ep, int64_t{plan.tp} * plan.dp);
  }
  if (plan.pp_layers.empty()) return {};
  int64_t sum = 0;
  for (const int64_t n : plan.pp_layers) sum += n;
  const bool positive = std::ranges::all_of(plan.pp_layers, [](int64_t n) { return n > 0; });
  if (plan.pp_layers.size() == static_cast<size_t>(plan.pp) && sum == layers && positive) return {};
  return fmt::format("the layers per stage must be {} positive numbers that add up to {}", plan.pp, layers);
}

int64_t layers_of_stage(const Plan& plan, int64_t layers, int stage) {
  if (!plan.pp_layers.empty()) return plan.pp_layers[static_cast<size_t>(stage)];
  return layers / plan.pp + (stage < layers % plan.pp ? 1 : 0);
}

std::string shown_bytes(double bytes) { return fmt::format("{:.1f} GB", bytes / 1e9); }

}  // namespace

double weight_bytes(const ModelShape& model) {
  double sum = embedding_bytes(model) + head_bytes(model);
  sum += plain_bytes(model, model.final_norm_params + model.extra_params);
  std::vector<double> of_kind;
  for (const LayerShape& kind : model.kinds) of_kind.push_back(KindBytes(model, kind, 0).total(kind.mlp));
  for (const int kind : model.layers) sum += of_kind[static_cast<size_t>(kind)];
  return sum;
}

double kv_bytes_per_token(const ModelShape& model) {
  double sum = 0;
  for (const int index : model.layers) {
    const LayerShape& kind = model.kinds[static_cast<size_t>(index)];
    const KindBytes bytes(model, kind, 0);
    sum += count(kind.attention.kv_heads) * bytes.kv_of_head + bytes.kv_replicated;
  }
  return sum;
}

double hidden_state_bytes(const ModelShape& model, const Plan& plan, double tokens) {
  const double rows = plan.sp ? tokens / plan.tp : tokens;
  return rows * count(model.hidden_size) * model.plain_bits / 8;
}

int expert_tp(const Plan& plan) { return plan.ep > 1 ? plan.tp * plan.dp / plan.ep : plan.tp; }

struct MemoryModel::Impl {
  ModelShape model;
  EngineSpec engine;
  Workload workload;
  double available_bytes = 0;
  double length = 0;  // tokens of a whole sequence
  double embedding = 0;
  double head = 0;  // the tied embedding where there is no head
  std::vector<KindBytes> kinds;
  std::vector<std::vector<int32_t>> before;  // [kinds][layers + 1] layers of the kind before a layer

  [[nodiscard]] RankLayer rank_layer(size_t kind, const Plan& plan, const Shares& shares) const;
  [[nodiscard]] double activations(const Plan& plan, const Shares& shares, bool heads) const;
  [[nodiscard]] double buffers(const Plan& plan) const;
  [[nodiscard]] double batched_tokens() const;
  void fill_kv(const Plan& plan, RankMemory& rank) const;
  [[nodiscard]] std::string missing(int stage, const RankMemory& rank) const;
};

RankLayer MemoryModel::Impl::rank_layer(size_t kind, const Plan& plan, const Shares& shares) const {
  const KindBytes& bytes = kinds[kind];
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
    const double rows = tokens * (plan.ep > 1 ? plan.dp : 1) * count(mlp.experts_per_token) / plan.ep *
                        std::max(1.0, workload.expert_imbalance);
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
  rank.available_bytes = available_bytes;
  const double seqs = std::min(count(engine.max_num_seqs), std::ceil(std::max(1.0, workload.concurrency / plan.dp)));
  const double used = rank.weight_bytes + rank.activation_bytes + rank.buffer_bytes;
  const double free = available_bytes - used - rank.state_bytes_per_seq * seqs;
  if (free < 0) return;
  const double block = count(std::max<int64_t>(1, engine.block_size));
  // A stage without a growing cache is bound by its states alone.
  rank.kv_tokens = rank.kv_bytes_per_token > 0 ? std::floor(free / (rank.kv_bytes_per_token * block)) * block : 1e15;
  rank.fits = rank.kv_tokens >= length;
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
  impl->available_bytes = device.memory_bytes * engine.memory_utilization;
  impl->length = std::max(1.0, workload.isl + workload.osl);
  impl->embedding = embedding_bytes(model);
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
  memory.why = bad_layout(plan, m.model.num_layers());
  if (!memory.why.empty()) return memory;

  const Shares shares(plan, m.engine);
  std::vector<RankLayer> of_kind;
  of_kind.reserve(m.kinds.size());
  for (size_t kind = 0; kind < m.kinds.size(); ++kind) of_kind.push_back(m.rank_layer(kind, plan, shares));

  const double vocab = shares.fraction(m.model.vocab_size);
  const double positions =
      m.embedding * count(m.model.position_params) / count(std::max<int64_t>(1, m.model.embedding_params));
  const double tokens = (m.embedding - positions) * vocab;  // of the embedding, as one rank holds it
  const double inner_activations = m.activations(plan, shares, false);
  const double last_activations = m.activations(plan, shares, true);
  const double buffers = m.buffers(plan);

  memory.stages.resize(static_cast<size_t>(plan.pp));
  memory.fits = true;
  memory.kv_tokens = 1e15;
  size_t first = 0;
  for (int stage = 0; stage < plan.pp; ++stage) {
    const size_t end = first + static_cast<size_t>(layers_of_stage(plan, m.model.num_layers(), stage));
    const bool heads = stage == plan.pp - 1;
    RankMemory& rank = memory.stages[static_cast<size_t>(stage)];
    for (size_t kind = 0; kind < of_kind.size(); ++kind) {
      const double layers = m.before[kind][end] - m.before[kind][first];
      rank.weight_bytes += layers * of_kind[kind].weights;
      rank.kv_bytes_per_token += layers * of_kind[kind].kv_per_token;
      rank.state_bytes_per_seq += layers * of_kind[kind].state_per_seq;
    }
    if (stage == 0) rank.weight_bytes += tokens + positions + plain_bytes(m.model, m.model.extra_params);
    if (heads) {
      rank.weight_bytes += m.head * vocab + plain_bytes(m.model, m.model.final_norm_params);
      if (m.model.tied_embeddings && stage > 0) rank.weight_bytes += tokens;
    }
    rank.activation_bytes = heads ? last_activations : inner_activations;
    rank.buffer_bytes = buffers;
    m.fill_kv(plan, rank);
    if (!rank.fits && memory.fits) {
      memory.fits = false;
      memory.why = m.missing(stage, rank);
    }
    memory.kv_tokens = std::min(memory.kv_tokens, rank.kv_tokens);
    memory.weight_bytes = std::max(memory.weight_bytes, rank.weight_bytes);
    first = end;
  }
  return memory;
}

PlanMemory plan_memory(const ModelShape& model, const DeviceKind& device, const EngineSpec& engine, const Plan& plan,
                       const Workload& workload) {
  return MemoryModel(model, device, engine, workload).plan(plan);
}

}  // namespace kerf
