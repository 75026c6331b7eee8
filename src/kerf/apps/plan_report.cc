#include "kerf/apps/plan_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <tuple>

#include "kerf/planner/memory.h"
#include "kerf/planner/pareto.h"
#include "kerf/planner/words.h"

namespace kerf {

namespace {

constexpr size_t kFewShapes = 100;

// Over everything that was tried, at every load.
std::vector<Candidate> front_of(const SearchResult& result) {
  const std::vector<Candidate>& tried = result.loads.empty() ? result.ranked : result.loads;
  std::vector<ParetoPoint> points;
  points.reserve(tried.size());
  for (const Candidate& c : tried) points.push_back({.latency = c.tpot_ms, .throughput = c.tokens_per_s_device()});
  std::vector<Candidate> front;
  for (const size_t i : pareto_front(points)) front.push_back(tried[i]);
  return front;
}

// The best `most` plans; where there are far more of them, one for each (tp, pp, ep) goes first, or a large machine
// would show nothing but numbers of replicas.
std::vector<Candidate> shown(const std::vector<Candidate>& ranked, size_t most) {
  std::vector<Candidate> plans = best_of_each_shape(ranked);
  if (plans.size() <= std::max(most, kFewShapes)) {
    plans.resize(std::min(plans.size(), most));
    return plans;
  }
  std::set<std::tuple<int, int, int>> replicas;
  const auto is_first = [&](const Candidate& c) { return replicas.emplace(c.cut.tp, c.cut.pp, c.cut.ep).second; };
  std::vector<Candidate> chosen;
  std::vector<Candidate> rest;
  for (const Candidate& plan : plans) (is_first(plan) ? chosen : rest).push_back(plan);
  if (chosen.size() < most)
    chosen.insert(chosen.end(), rest.begin(),
                  rest.begin() + static_cast<std::ptrdiff_t>(std::min(rest.size(), most - chosen.size())));
  chosen.resize(std::min(chosen.size(), most));
  std::ranges::sort(chosen, better);
  return chosen;
}

}  // namespace

PlanReport make_plan_report(PlanProblem problem, const PlanReportOptions& options) {
  PlanReport report{.problem = std::move(problem)};
  const auto start = std::chrono::steady_clock::now();
  report.result = search(report.problem);
  report.search_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.plans = shown(report.result.ranked, options.most_plans);
  report.plans_left_out = best_of_each_shape(report.result.ranked).size() - report.plans.size();
  report.predictions = predict_all(report.problem, report.plans);
  if (!report.result.ranked.empty()) report.explanation = explain(report.problem, report.result);
  if (report.explanation) {
    Workload load = report.problem.workload;
    load.concurrency = report.result.ranked.front().concurrency;
    report.advice = advise(report.problem.model, report.problem.machine, report.problem.engine, load,
                           report.explanation->winner.plan);
  }
  report.pareto = front_of(report.result);
  return report;
}

std::string describe_model(const ModelShape& model) {
  return fmt::format("{}, {:.1f} GB in {}", model.name, weight_bytes(model) / 1e9,
                     model.is_moe() ? model.expert_format.name : model.mlp_format.name);
}

std::string describe_machine(const MachineSpec& machine) {
  std::map<int, int> kinds;
  for (const Device& device : machine.devices) ++kinds[device.kind];
  std::string devices;
  for (const auto& [kind, count] : kinds) {
    const int share = kinds.size() == 1 && count % machine.num_nodes() == 0 ? count / machine.num_nodes() : count;
    devices += fmt::format("{}{} {}", devices.empty() ? "" : " + ", share,
                           machine.device_kinds[static_cast<size_t>(kind)].name);
  }
  if (machine.num_nodes() == 1) return devices;
  return fmt::format("{} nodes {} {}", machine.num_nodes(), kinds.size() == 1 ? "of" : "with together", devices);
}

std::string describe_workload(const PlanProblem& problem) {
  const Workload& w = problem.workload;
  std::string load = fmt::format("{} requests at a time", with_commas(w.concurrency));
  if (w.arrival == Arrival::kOpenLoop) load = fmt::format("{} requests a second", with_commas(w.rate_per_s));
  if (w.arrival != Arrival::kOpenLoop && w.concurrency == 1) load = "one request at a time";
  if (problem.find_concurrency) load = "as many requests at a time as each plan serves best";
  std::string text = fmt::format("{}, {} tokens in, {} out", load, with_commas(w.isl), with_commas(w.osl));
  constexpr const char* kObjectives[] = {"latency", "throughput", "cost"};
  text += fmt::format("; for {}", kObjectives[static_cast<size_t>(w.objective)]);
  if (w.slo_ttft_ms > 0) text += fmt::format(", TTFT ≤ {} ms", with_commas(w.slo_ttft_ms));
  if (w.slo_tpot_ms > 0) text += fmt::format(", TPOT ≤ {} ms", with_commas(w.slo_tpot_ms));
  return text;
}

std::string why(const PlanReport& report, size_t plan) {
  const Candidate& candidate = report.plans[plan];
  if (!candidate.meets_slo()) return slo_text(report.problem, candidate);
  if (plan == 0) return report.explanation->binding;
  const Objective objective = report.problem.workload.objective;
  const double behind = advantage(objective, report.plans.front(), candidate);
  if (behind < 0.005) return "as good as the winner, with more devices or a longer TTFT";
  return fmt::format("the winner {} {}", objective == Objective::kThroughput ? "gives" : "takes",
                     difference_text(objective, behind));
}

}  // namespace kerf
