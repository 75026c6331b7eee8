// Another cut of the same devices is faster: which mistake that is.
#include <fmt/format.h>

#include <algorithm>

#include "kerf/planner/lint_links.h"
#include "kerf/planner/lint_rules.h"

namespace kerf {

namespace {

// A finding about speed has to lose this much, per cent; more where the objective is only assumed.
constexpr double kWorthSaying = 10;
constexpr double kWorthSayingUnasked = 20;
// One that fits none of the known mistakes has to be larger than the cost model's usual error.
constexpr double kWorthSayingAnyway = 25;
constexpr double kNever = 101;
// Share of a step from which on communication is named (FIELD: 15-20 %).
constexpr double kMuchCommunication = 0.15;

int64_t kv_heads(const ModelShape& model) {
  int64_t most = 0;
  for (const LayerShape& kind : model.kinds) {
    if (kind.attention.kind == AttentionKind::kGrouped) most = std::max(most, kind.attention.kv_heads);
  }
  return most;
}

std::string objective_word(const Workload& load) {
  switch (load.objective) {
    case Objective::kLatency: return "time per token";
    case Objective::kThroughput: return "throughput";
    case Objective::kCost: return "cost per token";
  }
  return "";
}

std::string gain(const Judgement& judgement, const Better& better, size_t at) {
  const Workload& load = judgement.loads()[at];
  const Prediction& own = judgement.own()[at];
  const Prediction other = judgement.predict(better.plan, at);
  if (load.objective == Objective::kLatency) {
    return fmt::format("{:.1f} ms per token against {:.1f} ms with {}", other.tpot_ms, own.tpot_ms, describe(load));
  }
  return fmt::format("{:.0f} tokens/s against {:.0f} with {}", other.tokens_per_s, own.tokens_per_s, describe(load));
}

// The load that shows the difference best comes first; one that speaks against it is not kept back.
std::string gains(const Judgement& judgement, const Better& better) {
  std::string text = fmt::format("{} is predicted at {}", describe(better.plan), gain(judgement, better, better.load));
  for (size_t load = 0; load < judgement.loads().size(); ++load) {
    if (load != better.load) text += ", and at " + gain(judgement, better, load);
  }
  return text;
}

struct Mistake {
  std::string id;
  std::string words;
  double least_loss = 0;
};

// The first of the known mistakes that the better plan does not make.
Mistake name_mistake(const Judgement& judgement, const Better& better) {
  const AdviceSubject& subject = judgement.subject();
  const Plan& own = subject.plan;
  const double least = subject.load.objective ? kWorthSaying : kWorthSayingUnasked;
  const WorstLink link = worst_tp_link(subject.machine, own);
  const WorstLink other = worst_tp_link(subject.machine, better.plan);
  if (!link.fast && (other.fast || better.plan.tp < own.tp)) {
    const std::string ends = fmt::format("{} and {}", subject.machine.devices[static_cast<size_t>(link.a)].name,
                                         subject.machine.devices[static_cast<size_t>(link.b)].name);
    return {"tp-across-slow-link",
            fmt::format("tp {} spans {} ({:.3g} GB/s between {}), {:.0f} % of a step is communication", own.tp,
                        link.kind, link.gb_per_s, ends, 100 * judgement.own()[better.load].comm_fraction)};
  }
  const int64_t heads = kv_heads(subject.model);
  if (heads > 0 && own.tp > heads && better.plan.tp <= heads) {
    return {"kv-heads-replicated",
            fmt::format("tp {} keeps {} copies of each of the {} key-value heads, and of their cache", own.tp,
                        own.tp / heads, heads),
            least};
  }
  if (own.pp > better.plan.pp && link.fast && other.fast && better.plan.tp > own.tp) {
    return {"pp-inside-fast-domain",
            fmt::format("pp {} lets a token wait for {} stages one after the other, though fast links join the devices",
                        own.pp, own.pp),
            least};
  }
  if (better.plan.dp > own.dp && better.plan.tp * better.plan.pp < own.tp * own.pp) {
    return {
        "replicas-serve-more",
        fmt::format("one group of {} devices spends {:.0f} % of a step on communication and waiting", own.ranks(),
                    100 * (judgement.own()[better.load].comm_fraction + judgement.own()[better.load].bubble_fraction)),
        least};
  }
  return {"slower-cut",
          fmt::format("{} is not the fastest cut for this {}", describe(own),
                      objective_word(judgement.loads()[better.load])),
          subject.load.objective ? kWorthSayingAnyway : kNever};
}

void check_communication(const Judgement& judgement, const Better& better, Findings& findings) {
  const Prediction& own = judgement.own()[better.load];
  const Prediction other = judgement.predict(better.plan, better.load);
  if (own.comm_fraction < kMuchCommunication || other.comm_fraction > 0.7 * own.comm_fraction) return;
  Advice advice{.id = "communication-heavy", .severity = Severity::kNote, .predicted_loss = better.loss_percent};
  advice.message = fmt::format("{:.0f} % of a step is communication, with {} it is {:.0f} %.", 100 * own.comm_fraction,
                               describe(better.plan), 100 * other.comm_fraction);
  advice.better = better.plan;
  findings.push_back(std::move(advice));
}

void check_slo(const Judgement& judgement, Findings& findings) {
  const Prediction& own = judgement.own().front();
  const Workload& load = judgement.loads().front();
  if (own.meets_slo || !own.fits || (load.slo_ttft_ms <= 0 && load.slo_tpot_ms <= 0)) return;
  const auto meets = [&](const Plan& plan) { return judgement.predict(plan).meets_slo; };
  const int devices = devices_of(own.plan);
  auto plan = judgement.repair(devices, meets);
  if (!plan) return;
  const Prediction other = judgement.predict(*plan);
  Advice advice{.id = "slo-missed", .severity = Severity::kWarning};
  advice.message = fmt::format(
      "With {} the first token is predicted after {:.0f} ms and each further one after {:.1f} ms, which misses the "
      "SLO; {} "
      "meets it with {:.0f} ms and {:.1f} ms.",
      describe(load), own.ttft_ms, own.tpot_ms, describe(*plan), other.ttft_ms, other.tpot_ms);
  advice.predicted_loss = std::max(
      load.slo_tpot_ms > 0 && own.tpot_ms > load.slo_tpot_ms ? 100 * (1 - load.slo_tpot_ms / own.tpot_ms) : 0.0,
      load.slo_ttft_ms > 0 && own.ttft_ms > load.slo_ttft_ms ? 100 * (1 - load.slo_ttft_ms / own.ttft_ms) : 0.0);
  advice.better = std::move(plan);
  findings.push_back(std::move(advice));
}

// Fewer requests in flight than stages: some stage always idles. By the engine's limit, or by the stated load.
void check_stages_busy(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  const Plan& plan = subject.plan;
  const bool limited = subject.command != nullptr && subject.command->max_num_seqs > 0;
  double in_flight = limited ? static_cast<double>(subject.engine.max_num_seqs) : plan.pp;
  const bool closed = subject.load.concurrency && subject.load.workload.arrival != Arrival::kOpenLoop;
  const double asked = closed ? subject.load.workload.concurrency / plan.dp : plan.pp;
  if (plan.pp == 1 || std::min(in_flight, asked) >= plan.pp) return;
  Advice advice{.id = "fewer-requests-than-stages", .severity = Severity::kWarning};
  if (in_flight < plan.pp && asked >= plan.pp) {
    // The limit is the mistake: the load would fill the stages.
    AdviceSubject unlimited = subject;
    unlimited.engine.max_num_seqs = std::max<int64_t>(64, 4 * plan.pp);
    const CostModel model(unlimited.model, unlimited.machine, unlimited.engine, judgement.loads().back());
    const size_t load = judgement.loads().size() - 1;
    advice.predicted_loss = judgement.loss_percent(judgement.own()[load], model.predict(plan), load);
    advice.changes.push_back({Setting::kMaxNumSeqs, std::to_string(unlimited.engine.max_num_seqs)});
  } else {
    const auto better = judgement.best(devices_of(plan), [&](const Plan& other) { return other.pp < plan.pp; });
    if (!better) return;
    advice.predicted_loss = better->loss_percent;
    advice.better = better->plan;
  }
  if (advice.predicted_loss < kWorthSaying) return;
  in_flight = std::min(in_flight, asked);
  advice.message =
      fmt::format("At most {:g} requests are in flight for {} stages: {:.0f} % of each device's time idles.", in_flight,
                  plan.pp, 100 * (1 - in_flight / plan.pp));
  findings.push_back(std::move(advice));
}

// "7x11 + 17": stages in a row that have as many layers, how many, and the layers.
std::string run_lengths(const std::vector<int64_t>& layers) {
  std::string text;
  for (size_t i = 0, next = 0; i < layers.size(); i = next) {
    while (next < layers.size() && layers[next] == layers[i]) ++next;
    if (!text.empty()) text += " + ";
    if (next - i > 1) text += std::to_string(next - i) + "x";
    text += std::to_string(layers[i]);
  }
  return text;
}

// Layers that the user, or SGLang before 0.5.6, deals out unevenly.
void check_layers(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  Plan plan = subject.plan;
  const int64_t layers = subject.model.num_layers();
  const bool dealt_by_sglang = subject.engine.name == "sglang" && plan.pp_layers.empty() && layers % plan.pp > 1;
  if (plan.pp == 1 || (plan.pp_layers.empty() && !dealt_by_sglang)) return;
  if (dealt_by_sglang) {
    plan.pp_layers.assign(static_cast<size_t>(plan.pp), layers / plan.pp);
    plan.pp_layers.back() += layers % plan.pp;
  }
  if (*std::max_element(plan.pp_layers.begin(), plan.pp_layers.end()) * plan.pp < layers + plan.pp) return;
  Plan even = subject.plan;
  even.pp_layers = balanced_layer_counts(subject.model, plan.pp);
  const size_t load = judgement.loads().size() - 1;
  const Prediction uneven = judgement.predict(plan, load);
  const Prediction better = judgement.predict(even, load);
  const double loss = judgement.loss_percent(uneven, better, load);
  if (loss < kWorthSaying) return;
  const auto longest = static_cast<double>(*std::max_element(plan.pp_layers.begin(), plan.pp_layers.end()));
  const double excess = 100 * (longest * plan.pp / static_cast<double>(layers) - 1);
  Advice advice{.id = "uneven-stages", .severity = uneven.fits ? Severity::kWarning : Severity::kError};
  advice.message = fmt::format("{} layers become {}{}: the longest stage holds {:.0f} % more than its share{}.", layers,
                               run_lengths(plan.pp_layers), dealt_by_sglang ? " with SGLang before 0.5.6" : "", excess,
                               uneven.fits ? "" : " and does not fit");
  advice.predicted_loss = loss;
  advice.better = even;
  findings.push_back(std::move(advice));
}

}  // namespace

void check_winner(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  const Prediction& own = judgement.own().front();
  const bool known = std::ranges::any_of(findings, [](const Advice& a) { return a.id == "communication-heavy"; });
  if (!known && own.comm_fraction >= kMuchCommunication) {
    Advice advice{.id = "communication-heavy"};
    advice.message =
        fmt::format("{:.0f} % of a decode step is communication: a faster link would pay.", 100 * own.comm_fraction);
    advice.predicted_loss = 100 * own.comm_fraction;
    findings.push_back(std::move(advice));
  }
  const int64_t heads = kv_heads(subject.model);
  if (heads > 0 && subject.plan.tp > heads) {
    Advice advice{.id = "kv-heads-replicated"};
    advice.message = fmt::format("tp {} keeps {} copies of each of the {} key-value heads, and of their cache.",
                                 subject.plan.tp, subject.plan.tp / heads, heads);
    findings.push_back(std::move(advice));
  }
}

void check_stages(const Judgement& judgement, Findings& findings) {
  check_slo(judgement, findings);
  check_layers(judgement, findings);
  check_stages_busy(judgement, findings);
}

void check_cut(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  const auto better = judgement.best(devices_of(subject.plan));
  if (!better) return;
  const Mistake mistake = name_mistake(judgement, *better);
  if (better->loss_percent < mistake.least_loss) return;
  Advice advice{.id = mistake.id, .severity = Severity::kWarning, .predicted_loss = better->loss_percent};
  advice.message = fmt::format("{}; {}.", mistake.words, gains(judgement, *better));
  advice.better = better->plan;
  findings.push_back(std::move(advice));
  check_communication(judgement, *better, findings);
}

}  // namespace kerf
