#include "kerf/planner/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "kerf/planner/serving.h"
#include "kerf/planner/step_model.h"

namespace kerf {

struct CostModel::Impl {
  ModelShape model;
  MachineSpec machine;
  EngineSpec engine;
  Workload workload;
  std::optional<MemoryModel> memory;
  std::unique_ptr<const StepModel> steps;
  std::string error;                         // why nothing can be predicted; empty = it can
  std::vector<std::vector<int32_t>> before;  // [kinds][layers + 1] layers of the kind before a layer

  static std::unique_ptr<Impl> make(const PublishedFigures* figures, const ModelShape& model,
                                    const MachineSpec& machine, const EngineSpec& engine, const Workload& workload);
  [[nodiscard]] std::vector<StageRun> stages(const Plan& plan) const;
  [[nodiscard]] bool alike(const StageLayers& a, const StageLayers& b) const;
  [[nodiscard]] std::string impossible(const Plan& plan) const;
  void price(Prediction& prediction) const;
};

namespace {

// The kind with the least memory that any device is of: what every rank must fit.
const DeviceKind& smallest_kind(const MachineSpec& machine) {
  const DeviceKind* smallest = &machine.device_kinds.front();
  for (const Device& device : machine.devices) {
    const DeviceKind& kind = machine.device_kinds[static_cast<size_t>(device.kind)];
    if (kind.memory_bytes < smallest->memory_bytes) smallest = &kind;
  }
  return *smallest;
}

}  // namespace

// Whether two stages hold the same numbers of each kind of layer.
bool CostModel::Impl::alike(const StageLayers& a, const StageLayers& b) const {
  if (a.count != b.count || a.embeds != b.embeds || a.heads != b.heads) return false;
  if (machine.device_kinds.size() > 1) return false;
  return std::ranges::all_of(before, [&](const std::vector<int32_t>& kind) {
    const auto held = [&](const StageLayers& stage) {
      return kind[static_cast<size_t>(stage.first + stage.count)] - kind[static_cast<size_t>(stage.first)];
    };
    return held(a) == held(b);
  });
}

std::vector<StageRun> CostModel::Impl::stages(const Plan& plan) const {
  std::vector<StageRun> runs;
  runs.reserve(4);
  const int64_t layers = model.num_layers();
  int64_t first = 0;
  for (int stage = 0; stage < plan.pp; ++stage) {
    const int64_t even = layers / plan.pp + (stage < layers % plan.pp ? 1 : 0);
    const int64_t count = plan.pp_layers.empty() ? even : plan.pp_layers[static_cast<size_t>(stage)];
    const StageLayers next{
        .stage = stage, .first = first, .count = count, .embeds = stage == 0, .heads = stage == plan.pp - 1};
    if (!runs.empty() && alike(runs.back().layers, next))
      ++runs.back().stages;
    else
      runs.push_back({.layers = next});
    first += count;
  }
  return runs;
}

std::string CostModel::Impl::impossible(const Plan& plan) const {
  if (!error.empty()) return error;
  const int64_t ranks = int64_t{plan.tp} * plan.pp * plan.dp;
  if (ranks > machine.num_devices()) {
    return fmt::format("tp {} x pp {} x dp {} needs {} devices, the machine has {}", plan.tp, plan.pp, plan.dp, ranks,
                       machine.num_devices());
  }
  if (const Status whole = check_divisibility(model, engine, plan); !whole.ok()) return whole.error().message;
  if (!steps->room(plan)) {
    return fmt::format("the machine has no room for {} groups of tp {}: they would straddle unequal nodes",
                       plan.pp * plan.dp, plan.tp);
  }
  return {};
}

void CostModel::Impl::price(Prediction& prediction) const {
  const Plan& plan = prediction.plan;
  double usd_per_hour = 0;
  for (const DeviceKind& kind : machine.device_kinds) usd_per_hour = std::max(usd_per_hour, kind.usd_per_hour);
  const double devices = static_cast<double>(plan.ranks()) * plan.dp;
  if (prediction.tokens_per_s <= 0) return;
  prediction.usd_per_million_tokens = devices * usd_per_hour * 1e6 / (3600 * prediction.tokens_per_s);
}

CostModel::CostModel(const ModelShape& model, const MachineSpec& machine, const EngineSpec& engine,
                     const Workload& workload) {
  const Result<PublishedFigures> figures = PublishedFigures::read();
  auto impl = Impl::make(figures.ok() ? &*figures : nullptr, model, machine, engine, workload);
  if (!figures.ok()) impl->error = figures.error().message;
  impl_ = std::move(impl);
}

CostModel::CostModel(const PublishedFigures& figures, const ModelShape& model, const MachineSpec& machine,
                     const EngineSpec& engine, const Workload& workload)
    : impl_(Impl::make(&figures, model, machine, engine, workload)) {}

std::unique_ptr<CostModel::Impl> CostModel::Impl::make(const PublishedFigures* figures, const ModelShape& model,
                                                       const MachineSpec& machine, const EngineSpec& engine,
                                                       const Workload& workload) {
  auto impl = std::make_unique<Impl>();
  impl->model = model;
  impl->machine = machine;
  impl->engine = engine;
  impl->workload = workload;
  if (workload.arrival == Arrival::kStatic && !engine.chunked_prefill) {
    // The whole batch is prefilled at once.
    impl->engine.max_num_seqs = std::max<int64_t>(1, std::llround(workload.concurrency));
    impl->engine.max_num_batched_tokens = std::max<int64_t>(1, std::llround(workload.concurrency * workload.isl));
  }
  for (size_t kind = 0; kind < model.kinds.size(); ++kind) {
    std::vector<int32_t> before{0};
    for (const int of : model.layers) before.push_back(before.back() + (of == static_cast<int>(kind) ? 1 : 0));
    impl->before.push_back(std::move(before));
  }
  if (machine.devices.empty() || machine.device_kinds.empty()) {
    impl->error = "the machine has no devices";
    return impl;
  }
  impl->memory.emplace(impl->model, smallest_kind(impl->machine), impl->engine, impl->workload);
  // What kerf's own probe measured of its hosts says how kerf runs there, and nothing of another engine.
  if (impl->machine.host.probed() && impl->engine.name == "kerf") {
    impl->steps = make_host_step_model(impl->model, impl->machine, impl->engine);
  } else if (figures != nullptr) {
    impl->steps = make_published_step_model(*figures, impl->model, impl->machine, impl->engine, impl->workload);
  }
  return impl;
}

CostModel::~CostModel() = default;
CostModel::CostModel(CostModel&&) noexcept = default;
CostModel& CostModel::operator=(CostModel&&) noexcept = default;

Prediction CostModel::predict(const Plan& plan) const {
  const Impl& m = *impl_;
  Prediction prediction;
  prediction.plan = plan;
  prediction.why = m.impossible(plan);
  prediction.meets_slo = false;
  if (!prediction.why.empty()) return prediction;
  prediction.memory = m.memory->plan(plan);
  if (!prediction.memory.fits) {
    prediction.why = prediction.memory.why;
    return prediction;
  }
  // A static batch does not wait for cache: it is there for all of it, or the engine is out of memory.
  const double batch_tokens = std::max(1.0, m.workload.concurrency / plan.dp) * (m.workload.isl + m.workload.osl);
  if (m.workload.arrival == Arrival::kStatic && prediction.memory.kv_tokens < batch_tokens) {
    prediction.why = fmt::format("the batch needs cache for {:.0f} tokens, there is room for {:.0f}", batch_tokens,
                                 prediction.memory.kv_tokens);
    return prediction;
  }
  prediction.fits = true;
  prediction.plan.pp_layers = stage_layer_counts(m.model, plan);
  const std::vector<StageRun> stages = m.stages(plan);
  serve(ReplicaModel(*m.steps, m.engine, plan, stages, m.workload.prefix_hit), m.engine, m.workload,
        prediction.memory.kv_tokens, prediction);
  if (prediction.plan.microbatches == 0) {
    prediction.plan.microbatches =
        m.engine.pipeline_microbatches ? std::min(plan.pp, std::max(1, static_cast<int>(prediction.running))) : 1;
  }
  const double cycle_s = prediction.decode.total();
  if (cycle_s > 0) {
    prediction.comm_fraction = prediction.decode.comm_s() / cycle_s;
    prediction.bubble_fraction = prediction.decode.bubble_s / cycle_s;
  }
  m.price(prediction);
  prediction.relative_error = m.steps->relative_error();
  prediction.basis = m.steps->basis();
  const Workload& asked = m.workload;
  prediction.meets_slo = (asked.slo_ttft_ms <= 0 || prediction.ttft_ms <= asked.slo_ttft_ms) &&
                         (asked.slo_tpot_ms <= 0 || prediction.tpot_ms <= asked.slo_tpot_ms);
  return prediction;
}

StepCost CostModel::step(const Plan& plan, double tokens, double sequences, double context) const {
  const Impl& m = *impl_;
  StepCost slowest;
  if (!m.impossible(plan).empty()) return slowest;
  const StepShape shape{.tokens = tokens, .sequences = sequences, .context = context, .prefill = tokens > sequences};
  for (const StageRun& run : m.stages(plan)) {
    const StepCost cost = m.steps->stage(plan, run.layers, shape);
    if (cost.total() > slowest.total()) slowest = cost;
  }
  return slowest;
}

}  // namespace kerf
