#include "bench/planner/knobs.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kerf/base/check.h"

namespace kerf::bench {

namespace {

struct Range {
  const char* name;
  double least;
  double most;
};

constexpr std::array kStepRanges{
    Range{"layer_overhead_us", 4, 80},       Range{"step_overhead_us", 50, 10000},
    Range{"sequence_overhead_us", 0.3, 100}, Range{"prompt_overhead_us", 50, 20000},
    Range{"elementwise_passes", 0.5, 60},
};
constexpr std::array kServingRanges{
    Range{"first_token_ms", 0.5, 60}, Range{"prefill_interference", 0.3, 1.3}, Range{"burst_queue", 0.3, 2.5},
    Range{"steady_queue", 0.01, 2},   Range{"admission_steps", 0.3, 3},
};
constexpr std::array kExpertRanges{
    Range{"expert_overhead_us", 1, 200},
};
constexpr Range kSpreadShared{"routing_spread", 0.3, 1};
constexpr Range kSpread{"routing_spread", 0.3, 20};
constexpr Range kLatentOverhead{"latent_overhead_us", 1, 100};
constexpr Range kExpertLaunches{"expert_launches", 0.1, 3};
constexpr Range kLatentLaunches{"latent_launches", 0.1, 6};
constexpr std::array kFactorRanges{
    Range{"bandwidth_factor", 0.75, 1.15},
    Range{"compute_factor", 0.5, 1.5},
    Range{"attention_factor", 0.6, 2.5},
    Range{"prefill_attention_factor", 0.5, 4},
};
constexpr std::array kExpertFactorRanges{
    Range{"expert_bandwidth_factor", 0.3, 1.3},
    Range{"expert_compute_factor", 0.3, 2},
};
constexpr Range kLaunch{"launch_us", 5, 3000};
constexpr Range kWait{"dp_wait_steps", 0.1, 80};
constexpr Range kAccepted{"accepted_tokens", 1, 2.6};
constexpr Range kReread{"attention_reread", 0.01, 1};
constexpr Range kSynchronised{"synchronised", 0.01, 1};
constexpr Range kOffline{"offline_prefill_interference", 0.5, 1.3};
constexpr Range kHostStep{"host_step_us", 50, 8000};
constexpr Range kHostSequence{"host_sequence_us", 0.5, 200};

template <typename Predicate>
bool any(const std::vector<const Point*>& points, const Predicate& predicate) {
  return std::ranges::any_of(points, [&](const Point* point) { return predicate(*point); });
}

bool served(const Point& point) {
  const Arrival arrival = point.workload.arrival;
  return arrival == Arrival::kClosedLoop || arrival == Arrival::kOpenLoop;
}
bool mixture(const Point& point) { return !point.experts.empty() || point.model.starts_with("Mixtral"); }
bool spread(const Point& point) { return point.plan.dp > 1 && point.plan.ep > 1; }

Knob knob(const Range& range, const std::vector<EngineSpec*>& engines) {
  Knob result{.name = range.name, .values = {}, .least = range.least, .most = range.most};
  for (EngineSpec* engine : engines) result.values.push_back(engine_constant(*engine, range.name).value());
  return result;
}

template <size_t n>
void add(const std::array<Range, n>& ranges, const std::vector<EngineSpec*>& engines, std::vector<Knob>& knobs) {
  for (const Range& range : ranges) knobs.push_back(knob(range, engines));
}

std::set<std::string> engines_of(const std::vector<const Point*>& points) {
  std::set<std::string> engines;
  for (const Point* point : points) engines.insert(point->engine);
  return engines;
}

std::string architecture_of(const Point& point) {
  if (point.gpu.starts_with("A100")) return "Ampere";
  if (point.gpu.starts_with("H")) return "Hopper";
  return point.gpu.starts_with("L40") ? "Ada" : "Blackwell";
}

}  // namespace

std::vector<Knob> efficiency_knobs(Constants& constants, const std::vector<const Point*>& points) {
  std::set<std::string> architectures;
  std::set<std::string> narrow;
  std::set<std::string> four;
  std::set<std::string> experts;
  for (const Point* point : points) {
    const std::string architecture = architecture_of(*point);
    architectures.insert(architecture);
    if (point->weights.starts_with("fp8")) narrow.insert(architecture);
    if (point->weights.ends_with("fp4")) four.insert(architecture);
    if (mixture(*point)) experts.insert(architecture);
  }
  architectures.erase("Ada");  // two points
  std::vector<Knob> knobs;
  for (const std::string& name : architectures) {
    Efficiency* figures = constants.figures.efficiencies.named(name);
    KERF_CHECK(figures != nullptr, name);
    const auto add_figure = [&](const char* what, double& value, double least, double most) {
      knobs.push_back({.name = name + "." + what, .values = {&value}, .least = least, .most = most});
    };
    add_figure("weights", figures->weights, 0.7, 0.95);
    add_figure("kv_cache", figures->kv_cache, 0.4, 0.95);
    add_figure("attention", figures->attention, 0.15, 0.75);
    add_figure("bf16.share", figures->bf16.share, 0.4, 0.9);
    add_figure("bf16.half_rows", figures->bf16.half_rows, 5, 300);
    if (narrow.contains(name)) {
      add_figure("fp8.share", figures->fp8.share, 0.3, 0.9);
      add_figure("fp8.half_rows", figures->fp8.half_rows, 5, 400);
    }
    if (four.contains(name)) {
      add_figure("fp4.share", figures->fp4.share, 0.2, 0.9);
      add_figure("fp4.half_rows", figures->fp4.half_rows, 5, 600);
    }
    if (experts.contains(name)) {
      ExpertCurve& curve = name == "Hopper" ? figures->expert_fp8 : figures->expert_fp4;
      const char* format = name == "Hopper" ? "experts.fp8" : "experts.fp4";
      add_figure((std::string(format) + ".weights").c_str(), curve.weights, 0.3, 0.92);
      add_figure((std::string(format) + ".share").c_str(), curve.share, 0.05, 0.85);
      add_figure((std::string(format) + ".half_rows").c_str(), curve.half_rows, 1, 200);
      ExpertCurve& other = name == "Hopper" ? figures->expert_bf16 : figures->expert_fp8;
      const char* other_format = name == "Hopper" ? "experts.bf16" : "experts.fp8";
      add_figure((std::string(other_format) + ".weights").c_str(), other.weights, 0.3, 0.92);
      add_figure((std::string(other_format) + ".share").c_str(), other.share, 0.05, 0.85);
      add_figure((std::string(other_format) + ".half_rows").c_str(), other.half_rows, 1, 200);
    }
    if (name != "Hopper") add_figure("overhead", figures->overhead, 0.5, 2);
  }
  return knobs;
}

std::vector<Knob> shared_engine_knobs(Constants& constants, const std::vector<const Point*>& points) {
  std::vector<EngineSpec*> engines;
  for (const std::string& name : engines_of(points)) engines.push_back(&constants.engines.at(name));
  std::vector<Knob> knobs;
  add(kStepRanges, engines, knobs);
  add(kServingRanges, engines, knobs);
  add(kExpertRanges, engines, knobs);
  for (const Range& range : {kSpreadShared, kLatentOverhead, kExpertLaunches, kLatentLaunches, kWait}) {
    knobs.push_back(knob(range, engines));
  }
  // C++ runtimes launch faster than Python: two classes.
  std::vector<EngineSpec*> python;
  std::vector<EngineSpec*> compiled;
  for (EngineSpec* engine : engines) {
    const std::string& name = engine->name;
    const bool old = name == "fastertransformer" || name == "lmdeploy" || name == "trtllm-0.5" || name == "nim-1.8" ||
                     name == "trtllm-nemo";
    (old ? compiled : python).push_back(engine);
  }
  if (!python.empty()) knobs.push_back(knob(kLaunch, python));
  if (!compiled.empty()) knobs.push_back(knob(kLaunch, compiled));
  for (EngineSpec* engine : engines) {
    if (engine->name == "trtllm-mtp") knobs.push_back(knob(kAccepted, {engine}));
    if (engine->name == "trtllm-0.5") knobs.push_back(knob(kReread, {engine}));
  }
  return knobs;
}

std::vector<Knob> engine_knobs(Constants& constants, const std::string& name, const std::vector<const Point*>& points) {
  const std::vector<EngineSpec*> engine{&constants.engines.at(name)};
  std::vector<Knob> knobs;
  add(kStepRanges, engine, knobs);
  add(kFactorRanges, engine, knobs);
  if (any(points, served)) {
    add(kServingRanges, engine, knobs);
    knobs.push_back(knob(kLaunch, engine));
  }
  if (any(points, mixture)) {
    add(kExpertRanges, engine, knobs);
    add(kExpertFactorRanges, engine, knobs);
    knobs.push_back(knob(kSpread, engine));
    if (any(points, [](const Point& point) { return point.model.starts_with("DeepSeek"); })) {
      knobs.push_back(knob(kLatentOverhead, engine));
      knobs.push_back(knob(kLatentLaunches, engine));
    }
  }
  if (any(points, spread)) knobs.push_back(knob(kWait, engine));
  if (name == "trtllm-mtp") knobs.push_back(knob(kAccepted, engine));
  if (name == "trtllm-0.5") knobs.push_back(knob(kReread, engine));
  if (name.starts_with("sglang")) knobs.push_back(knob(kSynchronised, engine));
  if (name == "trtllm-0.20") knobs.push_back(knob(kOffline, engine));
  if (name == "trtllm-1.0") {
    knobs.push_back(knob(kHostStep, engine));
    knobs.push_back(knob(kHostSequence, engine));
  }
  return knobs;
}

std::vector<Knob> few_engine_knobs(Constants& constants, const std::string& name,
                                   const std::vector<const Point*>& points) {
  const std::vector<EngineSpec*> engine{&constants.engines.at(name)};
  std::vector<Knob> knobs;
  knobs.push_back(knob(kStepRanges[0], engine));
  knobs.push_back(knob(kStepRanges[2], engine));
  knobs.push_back(knob(kFactorRanges[0], engine));
  knobs.push_back(knob(kFactorRanges[1], engine));
  if (any(points, served)) {
    knobs.push_back(knob(kServingRanges[1], engine));
    knobs.push_back(knob(kServingRanges[2], engine));
    knobs.push_back(knob(kLaunch, engine));
  }
  return knobs;
}

double fit_points(const Evaluator& evaluator, const std::vector<const Point*>& points, Constants& constants,
                  const std::vector<Knob>& knobs, const FitOptions& options) {
  std::vector<const Point*> used;
  for (const Point* point : points) {
    if (point->metric != Metric::kFits && point->excluded.empty()) used.push_back(point);
  }
  const std::function<std::vector<double>()> residuals = [&] {
    std::vector<double> result;
    result.reserve(used.size());
    for (const Point* point : used) {
      // TTFT is the noisiest and hangs on how a benchmark starts.
      const double weight = point->metric == Metric::kTtft ? 0.4 : 1;
      const double predicted = std::max(1e-9, evaluator.value(*point, constants));
      result.push_back(weight * std::clamp(std::log(predicted / point->measured), -2.0, 2.0));
    }
    return result;
  };
  return fit(knobs, residuals, options);
}

}  // namespace kerf::bench
