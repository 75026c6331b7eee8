#include "kerf/planner/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "kerf/planner/memory.h"
#include "kerf/planner/words.h"

namespace kerf {

namespace {

// Loads per replica that find_concurrency tries: powers of two, then quarter steps on the way to the next.
constexpr double kMostLoad = 4096;
// More load that brings less than this is not worth its latency.
constexpr double kWorthwhile = 0.01;

const DeviceKind& roomiest_kind(const MachineSpec& machine) {
  return *std::ranges::max_element(machine.device_kinds, {}, &DeviceKind::memory_bytes);
}

bool falls_behind(const Workload& workload, const Prediction& p) {
  return workload.arrival == Arrival::kOpenLoop && p.requests_per_s < 0.98 * workload.rate_per_s;
}

double slo_excess(const Workload& workload, const Prediction& p) {
  double excess = 0;
  if (workload.slo_ttft_ms > 0) excess = std::max(excess, p.ttft_ms / workload.slo_ttft_ms - 1);
  if (workload.slo_tpot_ms > 0) excess = std::max(excess, p.tpot_ms / workload.slo_tpot_ms - 1);
  // A queue that grows without end meets no SLO, and is no answer without one either.
  if (falls_behind(workload, p)) {
    excess = std::max(excess, workload.rate_per_s / std::max(p.requests_per_s, 1e-9) - 1);
  }
  return excess;
}

// Evaluates cuts of one problem.
class Judge {
 public:
  Judge(const PlanProblem& problem, PlanBuilder& builder, const MakePredictor& make)
      : problem_(problem), make_(make), rules_(engine_rules(problem.engine)), builder_(builder) {}

  const EngineRules& rules() const { return rules_; }
  int64_t predictions() const { return predictions_; }
  std::vector<Candidate>& loads() { return loads_; }

  // None: it doesn't fit after all.
  std::optional<Candidate> evaluate(const Cut& cut) {
    if (!problem_.find_concurrency) return at_load(cut, problem_.workload.concurrency);
    // Replicas that share nothing serve dp times what one serves.
    if ((cut.ep > 1 && cut.dp > 1) || !builder_.placer().uniform()) return best_load(cut);
    Cut one = cut;
    one.dp = 1;
    const auto [at, is_new] = replicas_.try_emplace(one);
    if (is_new) at->second = best_load(one);
    std::optional<Candidate> candidate = at->second;
    if (candidate) {
      candidate->cut = cut;
      candidate->concurrency *= cut.dp;
      candidate->tokens_per_s *= cut.dp;
      candidate->score = score(problem_.workload.objective, *candidate);
    }
    return candidate;
  }

 private:
  Predictor& predictor_for(const Cut& cut, double concurrency) {
    // To learn what one replica does at a dozen loads takes no machine of 4,096 devices.
    int nodes = problem_.machine.num_nodes();
    if (problem_.find_concurrency) {
      const int used = builder_.placer().nodes_used({.tp = cut.tp, .pp = cut.pp, .dp = cut.dp});
      nodes = std::min(nodes, static_cast<int>(std::bit_ceil(static_cast<unsigned>(used))));
    }
    Predictor& predictor = predictors_[{concurrency, nodes}];
    if (predictor) return predictor;
    Workload workload = problem_.workload;
    workload.concurrency = concurrency;
    if (nodes == problem_.machine.num_nodes()) {
      predictor = make_(problem_.model, problem_.machine, problem_.engine, workload);
    } else {
      predictor = make_(problem_.model, first_nodes(problem_.machine, nodes), problem_.engine, workload);
    }
    return predictor;
  }

  std::optional<Candidate> at_load(const Cut& cut, double concurrency) {
    const Predictor& predictor = predictor_for(cut, concurrency);
    ++predictions_;
    const Prediction p = predictor(builder_.plan(cut));
    if (!p.fits) return std::nullopt;
    Candidate candidate{.cut = cut,
                        .concurrency = concurrency,
                        .ttft_ms = p.ttft_ms,
                        .tpot_ms = p.tpot_ms,
                        .tokens_per_s = p.tokens_per_s,
                        .usd_per_million_tokens = p.usd_per_million_tokens,
                        .slo_excess = slo_excess(problem_.workload, p),
                        .falls_behind = falls_behind(problem_.workload, p),
                        .per_device = problem_.workload.arrival == Arrival::kOpenLoop};
    candidate.score = score(problem_.workload.objective, candidate);
    return candidate;
  }

  // The least load that brings nearly the most tokens under the SLO; where none meets it, a load of one.
  std::optional<Candidate> best_load(const Cut& cut) {
    std::vector<Candidate> tried;
    double first_missed = 0;
    for (double load = 1; load <= kMostLoad; load *= 2) {
      const std::optional<Candidate> candidate = at_load(cut, load * cut.dp);
      if (!candidate) return candidate;
      loads_.push_back(*candidate);
      if (!candidate->meets_slo()) {
        if (tried.empty()) return candidate;
        first_missed = load;
        break;
      }
      tried.push_back(*candidate);
      const size_t n = tried.size();
      if (n > 1 && tried[n - 1].tokens_per_s < (1 + kWorthwhile) * tried[n - 2].tokens_per_s) break;
    }
    for (int quarter = 1; first_missed > 2 && quarter < 4; ++quarter) {
      const double load = std::round(first_missed / 2 * std::exp2(quarter / 4.0));
      const std::optional<Candidate> candidate = at_load(cut, load * cut.dp);
      if (!candidate || !candidate->meets_slo()) break;
      tried.push_back(*candidate);
    }
    const double most = std::ranges::max(tried, {}, &Candidate::tokens_per_s).tokens_per_s;
    return *std::ranges::find_if(tried, [&](const Candidate& c) { return c.tokens_per_s >= (1 - kWorthwhile) * most; });
  }

  const PlanProblem& problem_;
  const MakePredictor& make_;
  EngineRules rules_;
  PlanBuilder& builder_;
  std::map<std::pair<double, int>, Predictor> predictors_;  // by concurrency and number of nodes
  std::map<Cut, std::optional<Candidate>> replicas_;
  std::vector<Candidate> loads_;
  int64_t predictions_ = 0;
};

class Searcher {
 public:
  Searcher(const PlanProblem& problem, const MakePredictor& make)
      : problem_(problem),
        builder_(problem.model, problem.machine, problem.engine),
        judge_(problem, builder_, make),
        memory_(problem.model, roomiest_kind(problem.machine), problem.engine, problem.workload) {}

  SearchResult run() {
    const int devices = problem_.machine.num_devices();
    for (int tp = 1; tp <= devices; ++tp) {
      const bool whole = check_divisibility(problem_.model, problem_.engine, {.tp = tp}).ok();
      for (int pp = 1; tp * pp <= devices; ++pp) {
        if (pp > problem_.model.num_layers()) {
          reject({.tp = tp, .pp = pp}, Rejection::kLayers, replicas(tp, pp));
        } else if (!whole) {
          reject({.tp = tp, .pp = pp}, Rejection::kShards, replicas(tp, pp));
        } else {
          search_replica(tp, pp);
        }
      }
    }
    result_.predictions = judge_.predictions();
    result_.loads = std::move(judge_.loads());
    std::ranges::sort(result_.ranked, better);
    return std::move(result_);
  }

 private:
  int replicas(int tp, int pp) const { return problem_.machine.num_devices() / tp / pp; }

  void reject(const Cut& cut, Rejection reason, int64_t configurations) {
    if (configurations <= 0) return;
    result_.configurations += configurations;
    if (!result_.rejected.empty()) {
      Rejected& last = result_.rejected.back();
      const bool same_replica = last.cut.tp == cut.tp && last.cut.pp == cut.pp && last.cut.ep == cut.ep;
      if (last.reason == reason && same_replica) {
        last.configurations += configurations;
        return;
      }
    }
    result_.rejected.push_back({.cut = cut, .reason = reason, .configurations = configurations});
  }

  // All plans whose replicas are tp × pp.
  void search_replica(int tp, int pp) {
    int most = replicas(tp, pp);
    const Workload& workload = problem_.workload;
    if (!problem_.find_concurrency && workload.arrival != Arrival::kOpenLoop && most > workload.concurrency) {
      const int busy = std::max(1, static_cast<int>(workload.concurrency));
      reject({.tp = tp, .pp = pp, .dp = busy + 1}, Rejection::kIdleReplicas, most - busy);
      most = busy;
    }
    for (const Cut& variant : variants({.tp = tp, .pp = pp})) {
      if (const std::optional<Rejection> reason = cannot_be(variant)) {
        reject(variant, *reason, most);
        continue;
      }
      for (Cut cut = variant; cut.dp <= most; ++cut.dp) evaluate(cut);
    }
    for (int dp = 1; dp <= most; ++dp) search_experts(tp, pp, dp);
  }

  // Expert parallelism: what a rank holds depends on the number of replicas too.
  void search_experts(int tp, int pp, int dp) {
    for (const int ep : ep_choices(problem_.model, judge_.rules(), tp, dp)) {
      if (ep == 1) continue;
      for (const Cut& variant : variants({.tp = tp, .pp = pp, .dp = dp, .ep = ep})) {
        if (const std::optional<Rejection> reason = cannot_be(variant)) {
          reject(variant, *reason, 1);
        } else {
          evaluate(variant);
        }
      }
    }
  }

  // With and without SP, other numbers of microbatches, fitted layers.
  std::vector<Cut> variants(const Cut& cut) {
    std::vector<Cut> all;
    std::vector<int> microbatches = microbatch_choices(judge_.rules(), cut.pp);
    microbatches.insert(microbatches.begin(), 0);
    const bool fitted = builder_.has_fitted_layers(cut);
    for (const bool sp : {false, true}) {
      if (sp && (cut.tp == 1 || !judge_.rules().sp)) continue;
      for (const bool fit : {false, true}) {
        if (fit && !fitted) continue;
        for (const int m : microbatches) {
          all.push_back(cut);
          all.back().sp = sp;
          all.back().fitted_layers = fit;
          all.back().microbatches = m;
        }
      }
    }
    return all;
  }

  // What can be said without predicting: shards that are not whole, memory.
  std::optional<Rejection> cannot_be(const Cut& cut) {
    const Plan plan = builder_.plan(cut);
    if (!check_divisibility(problem_.model, problem_.engine, plan).ok()) {
      return cut.ep > 1 ? Rejection::kExperts : Rejection::kShards;
    }
    const PlanMemory memory = memory_.plan(plan);
    if (memory.fits) return std::nullopt;
    for (const RankMemory& rank : memory.stages) {
      if (rank.weight_bytes > rank.available_bytes) return Rejection::kWeights;
    }
    return Rejection::kKvCache;
  }

  void evaluate(const Cut& cut) {
    if (std::optional<Candidate> candidate = judge_.evaluate(cut)) {
      ++result_.configurations;
      result_.ranked.push_back(*candidate);
    } else {
      reject(cut, Rejection::kOther, 1);
    }
  }

  const PlanProblem& problem_;
  PlanBuilder builder_;
  Judge judge_;
  MemoryModel memory_;
  SearchResult result_;
};

}  // namespace

MakePredictor cost_model_predictor() {
  return [](const ModelShape& model, const MachineSpec& machine, const EngineSpec& engine, const Workload& workload) {
    return Predictor([cost = std::make_shared<const CostModel>(model, machine, engine, workload)](const Plan& plan) {
      return cost->predict(plan);
    });
  };
}

std::string_view name_of(Rejection rejection) {
  switch (rejection) {
    case Rejection::kLayers: return "more stages than layers";
    case Rejection::kShards: return "shards that are not whole";
    case Rejection::kExperts: return "experts that don't divide";
    case Rejection::kWeights: return "weights don't fit";
    case Rejection::kKvCache: return "no room for the KV cache";
    case Rejection::kIdleReplicas: return "more replicas than requests";
    case Rejection::kOther: break;
  }
  return "refused by the cost model";
}

SearchResult search(const PlanProblem& problem, const MakePredictor& make) { return Searcher(problem, make).run(); }

std::vector<Candidate> judge(const PlanProblem& problem, const std::vector<Cut>& cuts, PlanBuilder& builder,
                             const MakePredictor& make) {
  Judge evaluator(problem, builder, make);
  std::vector<Candidate> candidates;
  for (const Cut& cut : cuts) {
    if (const std::optional<Candidate> candidate = evaluator.evaluate(cut)) candidates.push_back(*candidate);
  }
  std::ranges::sort(candidates, better);
  return candidates;
}

std::vector<Candidate> judge(const PlanProblem& problem, const std::vector<Cut>& cuts, const MakePredictor& make) {
  PlanBuilder builder(problem.model, problem.machine, problem.engine);
  return judge(problem, cuts, builder, make);
}

std::vector<Prediction> predict_all(const PlanProblem& problem, const std::vector<Candidate>& candidates,
                                    const MakePredictor& make) {
  PlanBuilder builder(problem.model, problem.machine, problem.engine);
  std::map<double, Predictor> predictors;
  std::vector<Prediction> predictions;
  for (const Candidate& candidate : candidates) {
    Predictor& predictor = predictors[candidate.concurrency];
    if (!predictor) {
      Workload workload = problem.workload;
      workload.concurrency = candidate.concurrency;
      predictor = make(problem.model, problem.machine, problem.engine, workload);
    }
    predictions.push_back(predictor(builder.plan(candidate.cut)));
  }
  return predictions;
}

Prediction predict(const PlanProblem& problem, const Candidate& candidate, const MakePredictor& make) {
  return predict_all(problem, {candidate}, make).front();
}

std::string slo_text(const PlanProblem& problem, const Candidate& candidate) {
  if (candidate.falls_behind) {
    return fmt::format("keeps up with {:.3g} of {:.3g} requests a second",
                       candidate.tokens_per_s / problem.workload.osl, problem.workload.rate_per_s);
  }
  return candidate.meets_slo() ? "" : fmt::format("misses the SLO by {}", per_cent(candidate.slo_excess));
}

std::string why(const PlanProblem& problem, const Rejected& rejected, const MakePredictor& make) {
  const Cut& cut = rejected.cut;
  const int64_t layers = problem.model.num_layers();
  if (rejected.reason == Rejection::kLayers) {
    return fmt::format("pp {} is more than the {} layers of the model: a stage needs one layer at least", cut.pp,
                       layers);
  }
  if (rejected.reason == Rejection::kIdleReplicas) {
    return fmt::format("{} replicas or more for {:.0f} requests at a time: some would always be idle", cut.dp,
                       problem.workload.concurrency);
  }
  PlanBuilder builder(problem.model, problem.machine, problem.engine);
  const Plan plan = builder.plan(cut);
  if (const Status status = check_divisibility(problem.model, problem.engine, plan); !status.ok()) {
    return status.error().message;
  }
  const PlanMemory memory =
      plan_memory(problem.model, roomiest_kind(problem.machine), problem.engine, plan, problem.workload);
  if (!memory.fits) return memory.why;
  const Prediction prediction = predict(problem, {.cut = cut, .concurrency = problem.workload.concurrency}, make);
  return prediction.why.empty() ? "it cannot be predicted" : prediction.why;
}

}  // namespace kerf
