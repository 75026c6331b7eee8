#include "bench/planner/evaluation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kerf/io/model_shape.h"
#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/planner/engine_catalog.h"

namespace kerf::bench {

namespace {

std::string model_key(const Point& point) {
  return point.model + "|" + point.weights + "|" + point.experts + "|" + point.engine;
}

// TensorRT-LLM's benchmarks and the others' fp8 checkpoints cache keys and values in fp8.
double kv_bits(const Point& point) {
  const std::string& weights = point.weights;
  const bool narrow = weights.starts_with("fp8") || weights == "fp4" || weights == "nvfp4";
  if (!point.source.starts_with("silicon")) return narrow ? 8 : 16;
  if (point.engine == "trtllm-1.0") return 16;
  if (point.engine.starts_with("trtllm")) return 8;
  return narrow && point.model != "gpt-oss-120b" ? 8 : 16;
}

Result<ModelShape> shape_of(const Point& point) {
  KERF_TRY(ModelShape model, load_model_shape(point.model));
  model.kv_bits = kv_bits(point);
  if (point.model == "gpt-oss-120b") return model;  // MXFP4 experts, the rest in bf16, as published
  const std::string& weights = point.weights;
  const std::string format = weights == "fp4" ? "nvfp4" : (weights == "bf16" || weights == "fp16") ? "bf16" : weights;
  const StorageFormat attention = model.attention_format;
  KERF_TRY_STATUS(apply_quantization(model, format));
  // DeepSeek's NVFP4 checkpoints leave attention in 16 bits.
  if (point.model == "DeepSeek-R1" && format == "nvfp4") {
    model.attention_format = StorageFormat{};
  }
  return model;
}

int nodes_of(const Point& point) {
  const int ranks = point.plan.ranks() * point.plan.dp;
  return std::max(1, (ranks + 7) / 8);
}

std::string machine_key(const Point& point) { return point.gpu + "|" + std::to_string(nodes_of(point)); }

}  // namespace

Result<Constants> catalogue_constants(const std::vector<Point>& points) {
  KERF_TRY(PublishedFigures figures, PublishedFigures::read());
  Constants constants{std::move(figures), {}};
  for (const Point& point : points) {
    if (constants.engines.contains(point.engine)) continue;
    KERF_TRY(EngineSpec engine, find_engine(point.engine));
    constants.engines.emplace(point.engine, std::move(engine));
  }
  return constants;
}

Constants with_one_engine(const Constants& constants, const EngineSpec& generic) {
  Constants result = constants;
  for (auto& [name, engine] : result.engines) {
    EngineSpec one = generic;
    one.name = engine.name;
    one.collectives = engine.collectives;
    one.memory_utilization = engine.memory_utilization;
    one.utilization_of_free = engine.utilization_of_free;
    one.context_bytes = engine.context_bytes;
    one.comm_bytes = engine.comm_bytes;
    one.output_reserve = engine.output_reserve;
    one.max_num_batched_tokens = engine.max_num_batched_tokens;
    one.max_num_seqs = engine.max_num_seqs;
    one.max_num_seqs_offline = engine.max_num_seqs_offline;
    one.block_size = engine.block_size;
    one.chunked_prefill = engine.chunked_prefill;
    one.pipeline_microbatches = engine.pipeline_microbatches;
    one.microbatch_tokens = engine.microbatch_tokens;
    one.attention_reread = engine.attention_reread;
    one.launch_us = engine.launch_us;
    one.accepted_tokens = engine.accepted_tokens;
    one.frontend_requests_per_s = engine.frontend_requests_per_s;
    one.frontend_tokens_per_s = engine.frontend_tokens_per_s;
    engine = std::move(one);
  }
  return result;
}

Result<Evaluator> Evaluator::make(const std::vector<Point>& points) {
  Evaluator evaluator;
  for (const Point& point : points) {
    const std::string model = model_key(point);
    if (!evaluator.models_.contains(model)) {
      KERF_TRY(ModelShape shape, shape_of(point));
      evaluator.models_.emplace(model, std::move(shape));
    }
    const std::string machine = machine_key(point);
    if (evaluator.machines_.contains(machine)) continue;
    KERF_TRY(MachineSpec spec,
             gpu_cluster({.gpu = point.gpu, .gpus_per_node = 8, .nodes = nodes_of(point), .network = ""}));
    evaluator.machines_.emplace(machine, std::move(spec));
  }
  return evaluator;
}

Prediction Evaluator::predict(const Point& point, const Constants& constants) const {
  const CostModel cost(constants.figures, models_.at(model_key(point)), machines_.at(machine_key(point)),
                       constants.engines.at(point.engine), point.workload);
  return cost.predict(point.plan);
}

double Evaluator::value(const Point& point, const Constants& constants) const {
  const Prediction prediction = predict(point, constants);
  switch (point.metric) {
    case Metric::kFits: return prediction.fits ? 1 : 0;
    case Metric::kTtft:
      return prediction.ttft_ms + (point.tokens_per_chunk - 1) * prediction.tpot_ms +
             point.slack * point.workload.osl * prediction.tpot_ms / point.workload.concurrency;
    case Metric::kTpot: return prediction.tpot_ms;
    case Metric::kStepTime:
      return prediction.decode.total() * 1e3 / std::max(1.0, constants.engines.at(point.engine).accepted_tokens);
    case Metric::kThroughput: return prediction.tokens_per_s;
    case Metric::kEndToEnd: break;
  }
  return prediction.e2e_ms;
}

std::vector<Scored> Evaluator::score(const std::vector<const Point*>& points, const Constants& constants) const {
  std::vector<Scored> scored;
  for (const Point* point : points) {
    if (point->metric == Metric::kFits || !point->excluded.empty()) continue;
    scored.push_back({.point = point, .predicted = value(*point, constants)});
  }
  return scored;
}

Summary summarise(std::vector<double> errors) {
  Summary summary{.count = static_cast<int>(errors.size())};
  if (errors.empty()) return summary;
  std::ranges::sort(errors);
  for (const double error : errors) summary.mean += error / static_cast<double>(errors.size());
  summary.median = errors[errors.size() / 2];
  summary.p90 = errors[std::min(errors.size() - 1, errors.size() * 9 / 10)];
  return summary;
}

std::string shown_cut(const Point& point) {
  std::string text = fmt::format("tp{} pp{}", point.plan.tp, point.plan.pp);
  if (point.plan.dp > 1) text += fmt::format(" dp{}", point.plan.dp);
  if (point.plan.ep > 1) text += fmt::format(" ep{}", point.plan.ep);
  if (point.source == "APEX") text += " " + point.version;
  return text;
}

std::vector<Choice> choices(const std::vector<Scored>& scored) {
  struct Cut {
    double predicted = 0;
    double measured = 0;
    int count = 0;
  };
  std::map<std::string, std::map<std::string, Cut>> groups;
  std::map<std::string, bool> more_is_better;
  for (const Scored& one : scored) {
    const Point& point = *one.point;
    if (point.group.empty() || point.metric == Metric::kTtft) continue;
    Cut& cut = groups[point.group][shown_cut(point)];
    cut.predicted += one.predicted;
    cut.measured += point.measured;
    ++cut.count;
    more_is_better[point.group] = point.metric == Metric::kThroughput;
  }
  std::vector<Choice> result;
  for (const auto& [group, cuts] : groups) {
    if (cuts.size() < 2) continue;
    // Times as they are, rates upside down: the least is best.
    const bool more = more_is_better[group];
    const auto figure = [more](double sum, int count) { return more ? -sum / count : sum / count; };
    const auto by_prediction = std::ranges::min_element(
        cuts, {}, [&](const auto& cut) { return figure(cut.second.predicted, cut.second.count); });
    const auto by_measurement = std::ranges::min_element(
        cuts, {}, [&](const auto& cut) { return figure(cut.second.measured, cut.second.count); });
    const double chosen = by_prediction->second.measured / by_prediction->second.count;
    const double best = by_measurement->second.measured / by_measurement->second.count;
    result.push_back({.group = group,
                      .regret = more ? 1 - chosen / best : chosen / best - 1,
                      .chosen = by_prediction->first,
                      .best = by_measurement->first});
  }
  return result;
}

}  // namespace kerf::bench
