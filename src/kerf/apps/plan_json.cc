#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "kerf/apps/plan_report.h"
#include "kerf/planner/memory.h"

namespace kerf {

namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinity, and four digits more than the error bar are enough for anyone.
Json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == std::floor(value) && std::abs(value) < 1e15) return static_cast<int64_t>(value);
  const double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - 5);
  const double rounded = unit < 1 ? std::round(value / unit) / std::round(1 / unit) : std::round(value / unit) * unit;
  return std::isfinite(rounded) ? Json(rounded) : Json(value);
}

std::string_view name_of(Basis basis) {
  constexpr std::string_view kNames[] = {"measured", "published", "assumed"};
  return kNames[static_cast<size_t>(basis)];
}

Json cut_json(const Cut& cut) {
  return {{"tp", cut.tp}, {"pp", cut.pp}, {"dp", cut.dp}, {"ep", cut.ep}, {"sp", cut.sp}};
}

Json candidate_json(const Candidate& c) {
  Json json = cut_json(c.cut);
  json["concurrency"] = number(c.concurrency);
  json["ttft_ms"] = number(c.ttft_ms);
  json["tpot_ms"] = number(c.tpot_ms);
  json["tokens_per_s"] = number(c.tokens_per_s);
  json["tokens_per_s_per_device"] = number(c.tokens_per_s_device());
  json["meets_slo"] = c.meets_slo();
  return json;
}

Json plan_object(const PlanReport& report, size_t i) {
  const Candidate& c = report.plans[i];
  const Prediction& p = report.predictions[i];
  Json json = cut_json(c.cut);
  json["microbatches"] = p.plan.microbatches > 0 ? p.plan.microbatches : c.cut.pp;
  if (!p.plan.pp_layers.empty()) json["pp_layers"] = p.plan.pp_layers;
  if (!p.plan.tp_weights.empty()) json["tp_weights"] = p.plan.tp_weights;
  json["devices"] = c.cut.devices();
  json["fits"] = p.fits;
  json["weight_gb_per_gpu"] = number(p.memory.weight_bytes / 1e9);
  json["kv_tokens"] = number(p.memory.kv_tokens);
  json["concurrency"] = number(c.concurrency);
  json["running"] = number(p.running);
  json["ttft_ms"] = number(p.ttft_ms);
  json["tpot_ms"] = number(p.tpot_ms);
  json["e2e_ms"] = number(p.e2e_ms);
  json["tokens_per_s"] = number(p.tokens_per_s);
  json["tokens_per_s_per_device"] = number(c.tokens_per_s_device());
  json["requests_per_s"] = number(p.requests_per_s);
  json["comm_fraction"] = number(p.comm_fraction);
  json["bubble_fraction"] = number(p.bubble_fraction);
  json["usd_per_million_tokens"] = p.usd_per_million_tokens > 0 ? number(p.usd_per_million_tokens) : Json(nullptr);
  json["meets_slo"] = c.meets_slo();
  json["error"] = number(p.relative_error);
  json["basis"] = name_of(p.basis);
  json["why"] = why(report, i);
  return json;
}

Json waterfall_json(const StepCost& step) {
  Json parts = Json::array();
  for (const Share& share : shares(step)) {
    parts.push_back({{"name", share.name}, {"ms", number(1e3 * share.seconds)}, {"share", number(share.share)}});
  }
  return parts;
}

Json explanation_json(const Explanation& e) {
  Json json = {{"constraint", name_of(e.constraint)},
               {"binding", e.binding},
               {"decode_ms", number(1e3 * e.winner.decode.total())},
               {"prefill_ms", number(1e3 * e.winner.prefill.total())},
               {"runner_up", nullptr}};
  if (e.runner_up) {
    json["runner_up"] = candidate_json(*e.runner_up);
    json["runner_up"]["behind"] = number(e.runner_up_behind);
    json["runner_up"]["message"] = e.runner_up_message;
  }
  json["baseline"] = cut_json(e.baseline.cut);
  if (e.baseline.candidate) {
    json["baseline"] = candidate_json(*e.baseline.candidate);
    json["baseline"]["advantage"] = number(e.baseline.advantage);
  }
  json["baseline"]["fits"] = e.baseline.candidate.has_value();
  json["baseline"]["message"] = e.baseline.message;
  json["flips"] = Json::array();
  for (const Flip& flip : e.flips) {
    json["flips"].push_back({{"knob", flip.knob},
                             {"threshold", flip.knob == "objective" ? Json(nullptr) : number(flip.threshold)},
                             {"above", flip.above},
                             {"winner", candidate_json(flip.winner)},
                             {"message", flip.message}});
  }
  return json;
}

Json problem_json(const PlanReport& report) {
  const Workload& w = report.problem.workload;
  constexpr std::string_view kObjectives[] = {"latency", "throughput", "cost"};
  Json workload = {{"isl", number(w.isl)}, {"osl", number(w.osl)}};
  workload["concurrency"] =
      report.problem.find_concurrency || w.arrival == Arrival::kOpenLoop ? Json(nullptr) : number(w.concurrency);
  workload["rate_per_s"] = w.arrival == Arrival::kOpenLoop ? number(w.rate_per_s) : Json(nullptr);
  workload["slo_ttft_ms"] = w.slo_ttft_ms > 0 ? number(w.slo_ttft_ms) : Json(nullptr);
  workload["slo_tpot_ms"] = w.slo_tpot_ms > 0 ? number(w.slo_tpot_ms) : Json(nullptr);
  return {{"model",
           {{"name", report.problem.model.name},
            {"params", report.problem.model.params()},
            {"weight_gb", number(weight_bytes(report.problem.model) / 1e9)},
            {"quantization", report.quantization.empty() ? Json(nullptr) : Json(report.quantization)}}},
          {"machine",
           {{"description", describe_machine(report.problem.machine)},
            {"devices", report.problem.machine.num_devices()},
            {"nodes", report.problem.machine.num_nodes()}}},
          {"engine", report.problem.engine.name},
          {"objective", kObjectives[static_cast<size_t>(w.objective)]},
          {"workload", std::move(workload)}};
}

}  // namespace

std::string plan_json(const PlanReport& report, size_t most_rejected) {
  Json document = problem_json(report);
  document["plans"] = Json::array();
  for (size_t i = 0; i < report.plans.size(); ++i) document["plans"].push_back(plan_object(report, i));
  document["plans_left_out"] = report.plans_left_out;
  document["waterfall"] = report.explanation ? Json{{"decode", waterfall_json(report.explanation->winner.decode)},
                                                    {"prefill", waterfall_json(report.explanation->winner.prefill)}}
                                             : Json(nullptr);
  document["explanation"] = report.explanation ? explanation_json(*report.explanation) : Json(nullptr);
  document["pareto"] = Json::array();
  for (const Candidate& c : report.pareto) document["pareto"].push_back(candidate_json(c));
  document["rejected"] = Json::array();
  std::map<std::string, int64_t> counts;
  for (const Rejected& rejected : report.result.rejected) {
    counts[std::string(name_of(rejected.reason))] += rejected.configurations;
    if (document["rejected"].size() >= most_rejected) continue;
    Json json = cut_json(rejected.cut);
    json["fits"] = false;
    json["reason"] = name_of(rejected.reason);
    json["configurations"] = rejected.configurations;
    json["why"] = why(report.problem, rejected);
    document["rejected"].push_back(std::move(json));
  }
  document["rejected_by_reason"] = counts;
  document["advice"] = Json::array();
  for (const Advice& advice : report.advice) {
    document["advice"].push_back(
        {{"id", advice.id}, {"severity", name_of(advice.severity)}, {"message", advice.message}});
  }
  document["search"] = {{"configurations", report.result.configurations},
                        {"predictions", report.result.predictions},
                        {"seconds", number(report.search_s)}};
  if (!report.commands.empty()) document["commands"] = report.commands;
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kerf
