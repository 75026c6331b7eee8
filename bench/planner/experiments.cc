#include "bench/planner/experiments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "bench/planner/knobs.h"
#include "kerf/planner/engine_catalog.h"

namespace kerf::bench {

namespace {

using Points = std::vector<const Point*>;

std::set<std::string> engines_of(const Points& points) {
  std::set<std::string> engines;
  for (const Point* point : points) engines.insert(point->engine);
  return engines;
}

Points of_engine(const Points& points, const std::string& engine) {
  Points own;
  for (const Point* point : points) {
    if (point->engine == engine) own.push_back(point);
  }
  return own;
}

// Large campaigns would drown the small ones: every n-th of their points.
Points thinned(const Points& points) {
  constexpr int kMost = 400;
  std::map<std::string, int> counts;
  for (const Point* point : points) ++counts[point->engine];
  std::map<std::string, int> seen;
  Points kept;
  for (const Point* point : points) {
    const int every = std::max(1, (counts[point->engine] + kMost - 1) / kMost);
    // Two rows make a run: TTFT and TPOT.
    if (seen[point->engine]++ / 2 % every == 0) kept.push_back(point);
  }
  return kept;
}

void fit_shared(const Evaluator& evaluator, const Points& points, Constants& constants, const FitSettings& settings) {
  std::vector<Knob> knobs = efficiency_knobs(constants, points);
  for (Knob& knob : shared_engine_knobs(constants, points)) knobs.push_back(std::move(knob));
  fit_points(evaluator, thinned(points), constants, knobs, {.prior = settings.prior, .rounds = settings.rounds});
}

// One standard deviation of ln(predicted / measured) over the engine's times and rates, TTFT left out.
void set_relative_error(const Evaluator& evaluator, const Points& own, const std::string& engine,
                        Constants& constants) {
  double squares = 0;
  int count = 0;
  for (const Scored& one : evaluator.score(own, constants)) {
    if (one.point->metric == Metric::kTtft || one.predicted <= 0) continue;
    squares += std::pow(std::log(one.predicted / one.point->measured), 2);
    ++count;
  }
  if (count > 0) constants.engines.at(engine).relative_error = std::sqrt(squares / count);
}

std::string pair_of(const Point& point) { return point.model + "|" + point.gpu; }

// (model, GPU) → 0 or 1. The largest first, each to the half that has less of what it brings: its engines, its kind of
// arithmetic on its kind of GPU. A half without an engine or a number format could say nothing of it.
std::map<std::string, int> stratified_halves(const Points& points) {
  std::map<std::string, std::map<std::string, double>> brings;
  std::map<std::string, double> size;
  for (const Point* point : points) {
    const std::string arithmetic =
        point->weights + (point->experts.empty() ? "" : " experts") + point->gpu.substr(0, 2);
    ++brings[pair_of(*point)]["engine " + point->engine];
    ++brings[pair_of(*point)]["arithmetic " + arithmetic];
    ++brings[pair_of(*point)]["model " + point->model];
    ++size[pair_of(*point)];
  }
  std::vector<std::string> order;
  for (const auto& [pair, count] : size) order.push_back(pair);
  std::ranges::stable_sort(order, std::greater(), [&](const std::string& pair) { return size[pair]; });
  std::map<std::string, int> halves;
  std::array<std::map<std::string, double>, 2> has;
  for (const std::string& pair : order) {
    double lean = 0;  // > 0: the first half has more of it
    for (const auto& [feature, count] : brings[pair]) {
      const double both = has[0][feature] + has[1][feature];
      if (both > 0) lean += (has[0][feature] - has[1][feature]) / both;
    }
    const int half = lean > 0 ? 1 : 0;
    halves[pair] = half;
    for (const auto& [feature, count] : brings[pair]) has[static_cast<size_t>(half)][feature] += count;
  }
  return halves;
}

}  // namespace

Constants fit_all(const Evaluator& evaluator, const Points& points, const Constants& first,
                  const FitSettings& settings) {
  Constants constants = first;
  set_nominal(constants);
  fit_shared(evaluator, points, constants, settings);
  const std::set<std::string> engines = engines_of(points);
  // Any of them has the shared values now.
  const EngineSpec shared = constants.engines.at(engines.contains("vllm") ? "vllm" : *engines.begin());
  constants.engines["generic"] = shared;
  for (const std::string& engine : engines) {
    const Points own = of_engine(points, engine);
    fit_points(evaluator, own, constants, engine_knobs(constants, engine, own),
               {.prior = settings.engine_prior, .rounds = settings.rounds});
    set_relative_error(evaluator, own, engine, constants);
  }
  return constants;
}

HeldOut held_out(const Evaluator& evaluator, const Points& points, const Constants& first, int half,
                 const FitSettings& settings) {
  const std::map<std::string, int> halves = stratified_halves(points);
  Points training;
  Points testing;
  for (const Point* point : points) {
    (halves.at(pair_of(*point)) == half ? training : testing).push_back(point);
  }
  Constants constants = first;
  if (settings.strict) {
    set_nominal(constants);
    fit_shared(evaluator, training, constants, settings);
  } else if (const auto generic = find_generic(); generic.ok()) {
    constants = with_one_engine(first, *generic);
  }
  // Engines that the half doesn't have keep what the others share.
  const Constants shared = constants;
  const std::set<std::string> known = engines_of(training);
  for (auto& [name, engine] : constants.engines) {
    if (settings.strict && !known.contains(name) && !known.empty()) {
      engine = with_one_engine(constants, shared.engines.at(*known.begin())).engines.at(name);
    }
  }
  for (const std::string& engine : known) {
    const Points own = of_engine(training, engine);
    fit_points(evaluator, own, constants, few_engine_knobs(constants, engine, own),
               {.prior = settings.engine_prior, .rounds = settings.rounds});
  }
  return {.training = static_cast<int>(training.size()), .tested = evaluator.score(testing, constants)};
}

Result<EngineSpec> find_generic() { return find_engine("generic"); }

void set_nominal(Constants& constants) {
  for (const char* name : {"Ampere", "Hopper", "Ada", "Blackwell"}) {
    Efficiency* figures = constants.figures.efficiencies.named(name);
    if (figures == nullptr) continue;
    figures->weights = 0.85;
    figures->kv_cache = 0.75;
    figures->attention = 0.45;
    figures->bf16 = {.share = 0.7, .half_rows = 60};
    figures->fp8 = {.share = 0.6, .half_rows = 100};
    figures->fp4 = {.share = 0.5, .half_rows = 120};
    figures->expert_bf16 = {.weights = 0.75, .share = 0.4, .half_rows = 20};
    figures->expert_fp8 = {.weights = 0.75, .share = 0.25, .half_rows = 20};
    figures->expert_fp4 = {.weights = 0.75, .share = 0.2, .half_rows = 20};
    figures->overhead = 1;
  }
  EngineSpec nominal;
  nominal.step_overhead_us = 1000;
  nominal.layer_overhead_us = 20;
  nominal.sequence_overhead_us = 5;
  nominal.prompt_overhead_us = 1000;
  nominal.first_token_ms = 5;
  nominal.expert_overhead_us = 15;
  nominal.elementwise_passes = 10;
  nominal.latent_overhead_us = 15;
  nominal.routing_spread = 0.9;
  nominal.prefill_interference = 0.8;
  nominal.admission_steps = 0.7;
  nominal.steady_queue = 0.1;
  nominal.dp_wait_steps = 5;
  constants = with_one_engine(constants, nominal);
  for (auto& [name, engine] : constants.engines) {
    const bool compiled = name == "fastertransformer" || name == "lmdeploy" || name == "trtllm-0.5" ||
                          name == "nim-1.8" || name == "trtllm-nemo";
    engine.launch_us = compiled ? 60 : 400;
    engine.attention_reread = name == "trtllm-0.5" ? 0.5 : 0;
    engine.accepted_tokens = name == "trtllm-mtp" ? 1.8 : 1;
    engine.synchronised = name == "sglang-0.5.6" ? 0.5 : 0;
    engine.expert_imbalance = 1.1;
  }
}

MemoryVerdicts memory_verdicts(const Evaluator& evaluator, const Points& points, const Constants& constants) {
  MemoryVerdicts verdicts;
  for (const Point* point : points) {
    if (point->engine != "fastertransformer") continue;
    const bool ran = point->metric != Metric::kFits;
    const bool fits = evaluator.predict(*point, constants).fits;
    ++verdicts.all;
    verdicts.right += fits == ran ? 1 : 0;
    verdicts.out_of_memory += ran ? 0 : 1;
    verdicts.rejected += !ran && !fits ? 1 : 0;
  }
  return verdicts;
}

nlohmann::json to_json(const Constants& constants) {
  const auto rounded = [](double value) { return value == 0 ? 0 : std::stod(fmt::format("{:.4g}", value)); };
  nlohmann::json result;
  Constants copy = constants;
  for (const char* name : {"Ampere", "Hopper", "Ada", "Blackwell"}) {
    const Efficiency* e = copy.figures.efficiencies.named(name);
    if (e == nullptr) continue;
    const auto curve = [&](const MatmulCurve& c) {
      return nlohmann::json{{"share", rounded(c.share)}, {"half_rows", rounded(c.half_rows)}};
    };
    const auto experts = [&](const ExpertCurve& c) {
      return nlohmann::json{
          {"weights", rounded(c.weights)}, {"share", rounded(c.share)}, {"half_rows", rounded(c.half_rows)}};
    };
    result["efficiency"][name] = {
        {"weights", rounded(e->weights)},
        {"kv_cache", rounded(e->kv_cache)},
        {"attention", rounded(e->attention)},
        {"overhead", rounded(e->overhead)},
        {"matmul", {{"bf16", curve(e->bf16)}, {"fp8", curve(e->fp8)}, {"fp4", curve(e->fp4)}}},
        {"experts",
         {{"bf16", experts(e->expert_bf16)}, {"fp8", experts(e->expert_fp8)}, {"fp4", experts(e->expert_fp4)}}}};
  }
  for (auto& [name, engine] : copy.engines) {
    for (const char* field : {"step_overhead_us",
                              "layer_overhead_us",
                              "sequence_overhead_us",
                              "prompt_overhead_us",
                              "host_step_us",
                              "host_sequence_us",
                              "expert_overhead_us",
                              "latent_overhead_us",
                              "launch_us",
                              "expert_launches",
                              "latent_launches",
                              "elementwise_passes",
                              "first_token_ms",
                              "bandwidth_factor",
                              "compute_factor",
                              "attention_factor",
                              "prefill_attention_factor",
                              "expert_bandwidth_factor",
                              "expert_compute_factor",
                              "expert_imbalance",
                              "routing_spread",
                              "attention_reread",
                              "prefill_interference",
                              "offline_prefill_interference",
                              "admission_steps",
                              "burst_queue",
                              "steady_queue",
                              "synchronised",
                              "dp_wait_steps",
                              "accepted_tokens",
                              "relative_error"}) {
      result["engines"][name][field] = rounded(*engine_constant(engine, field).value());
    }
  }
  return result;
}

}  // namespace kerf::bench
