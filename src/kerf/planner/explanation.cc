#include "kerf/planner/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kerf/planner/memory.h"
#include "kerf/planner/words.h"

namespace kerf {

namespace {

// Fewer sequences than this part of those asked for: the rest wait for memory.
constexpr double kWaiting = 0.95;
constexpr double kMoreMemory = 1.5;
constexpr double kWorthwhile = 0.03;
// Links of twice the bandwidth that save less than this part of the communication: it was latency.
constexpr double kBandwidthSaves = 0.25;

// Sequences wait for memory, and with half as much again more tokens would come.
bool memory_holds_it_up(const PlanProblem& problem, const Candidate& winner, const Prediction& prediction,
                        const MakePredictor& make) {
  const double asked = winner.concurrency / winner.cut.dp;
  const bool waits =
      problem.workload.arrival != Arrival::kOpenLoop && prediction.running > 0 && prediction.running < kWaiting * asked;
  if (!waits) return false;
  PlanProblem roomier = problem;
  for (DeviceKind& kind : roomier.machine.device_kinds) kind.memory_bytes *= kMoreMemory;
  return predict(roomier, winner, make).tokens_per_s > (1 + kWorthwhile) * prediction.tokens_per_s;
}

bool slo_holds_it_up(const PlanProblem& problem, const SearchResult& result) {
  const Candidate& winner = result.ranked.front();
  if (!winner.meets_slo()) return true;
  return std::ranges::any_of(result.ranked, [&](const Candidate& candidate) {
    return !candidate.meets_slo() && advantage(problem.workload.objective, candidate, winner) > 0.02;
  });
}

Constraint communication_constraint(const PlanProblem& problem, const Candidate& winner, const Prediction& prediction,
                                    const MakePredictor& make) {
  PlanProblem faster = problem;
  faster.machine = with_faster_links(faster.machine, 2, 2);
  const double left = predict(faster, winner, make).decode.comm_s() / prediction.decode.comm_s();
  return left < 1 - kBandwidthSaves ? Constraint::kCommunicationBandwidth : Constraint::kCommunicationLatency;
}

void find_constraint(const PlanProblem& problem, const SearchResult& result, const MakePredictor& make,
                     Explanation& explanation) {
  const Candidate& winner = result.ranked.front();
  const Prediction& prediction = explanation.winner;
  const StepCost& step = prediction.decode;
  if (memory_holds_it_up(problem, winner, prediction, make)) {
    explanation.constraint = Constraint::kKvCapacity;
    explanation.binding = fmt::format(
        "KV capacity binds: the cache holds {} tokens, so that {:.0f} of {:.0f} requests of a replica run at a time",
        with_commas(prediction.memory.kv_tokens), prediction.running, winner.concurrency / winner.cut.dp);
    return;
  }
  if (!winner.meets_slo()) {
    explanation.constraint = Constraint::kSlo;
    explanation.binding =
        fmt::format("No plan {}; this one {}", winner.falls_behind ? "keeps up with the rate" : "meets the SLO",
                    slo_text(problem, winner));
    return;
  }
  // What a token waits for, or, where throughput counts, what a request costs the replica.
  const StepCost& prompt = prediction.prefill;
  const double prompt_work_s = prompt.total() - prompt.bubble_s;
  double steps = 1;
  double prompts = prompt_work_s > 0 ? std::max(0.0, prediction.tpot_ms / 1e3 - step.total()) / prompt_work_s : 0;
  if (problem.workload.objective != Objective::kLatency) {
    steps = std::max(0.0, problem.workload.osl - 1) / std::max(1.0, prediction.running);
    prompts = 1 - problem.workload.prefix_hit;
  }
  const auto part = [&](const auto& seconds) { return steps * seconds(step) + prompts * seconds(prompt); };
  const auto head_reads = [](const StepCost& c) { return c.weights_s >= c.compute_s; };
  struct Part {
    Constraint constraint;
    double seconds;
    std::string_view what;
  };
  std::array<Part, 5> parts = {
      Part{Constraint::kMemoryBandwidth,
           part([&](const StepCost& c) { return c.weights_s + c.attention_s + (head_reads(c) ? c.head_s : 0); }),
           "reads weights and KV cache"},
      Part{Constraint::kCompute, part([&](const StepCost& c) { return c.compute_s + (head_reads(c) ? 0 : c.head_s); }),
           "is arithmetic"},
      Part{Constraint::kCommunicationLatency, part([](const StepCost& c) { return c.comm_s(); }), "is communication"},
      Part{Constraint::kOverhead, part([](const StepCost& c) { return c.overhead_s; }), "is launching and scheduling"},
      Part{Constraint::kBubble, steps * step.bubble_s, "waits for other stages"}};
  const double total = std::max(steps * step.total() + prompts * prompt_work_s, 1e-12);
  Part& most = *std::ranges::max_element(parts, {}, &Part::seconds);
  if (most.constraint == Constraint::kCommunicationLatency) {
    most.constraint = communication_constraint(problem, winner, prediction, make);
  }
  explanation.constraint = most.constraint;
  explanation.binding =
      fmt::format("{} binds: {} of the time per {} {}", name_of(most.constraint), per_cent(most.seconds / total),
                  problem.workload.objective == Objective::kLatency ? "token" : "request", most.what);
  explanation.binding[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(explanation.binding[0])));
  if (slo_holds_it_up(problem, result)) {
    explanation.constraint = Constraint::kSlo;
    explanation.binding = "The SLO binds: other plans would do better but miss it. Then " + explanation.binding;
  }
}

void find_runner_up(const PlanProblem& problem, const SearchResult& result, Explanation& explanation) {
  const Candidate& winner = result.ranked.front();
  const auto other = std::ranges::find_if(result.ranked, [&](const Candidate& c) {
    return c.cut.tp != winner.cut.tp || c.cut.pp != winner.cut.pp || c.cut.ep != winner.cut.ep;
  });
  if (other == result.ranked.end()) {
    explanation.runner_up_message = "No other cut works";
    return;
  }
  const Objective objective = problem.workload.objective;
  explanation.runner_up = *other;
  explanation.runner_up_behind = advantage(objective, winner, *other);
  std::string& message = explanation.runner_up_message;
  message = fmt::format("Runner-up: {}, {}", to_string(other->cut), objective_text(objective, *other));
  if (winner.meets_slo() && !other->meets_slo()) {
    message += ", but it " + slo_text(problem, *other);
  } else if (explanation.runner_up_behind < 0.005) {
    message += objective == Objective::kLatency && other->ttft_ms > 1.005 * winner.ttft_ms
                   ? fmt::format(": as good, with TTFT {:.0f} ms against {:.0f} ms", other->ttft_ms, winner.ttft_ms)
                   : std::string(": as good");
  } else {
    message += fmt::format("; the winner {} {}", objective == Objective::kThroughput ? "gives" : "takes",
                           difference_text(objective, explanation.runner_up_behind));
  }
  // Errors of two cuts of one model on one machine go together, so that this warns rather too often than too rarely.
  if (explanation.runner_up_behind < explanation.winner.relative_error && other->meets_slo() == winner.meets_slo()) {
    message += fmt::format(". That is within the prediction's error (±{}): measure both",
                           per_cent(explanation.winner.relative_error));
  }
}

Baseline find_baseline(const PlanProblem& problem, const SearchResult& result, const MakePredictor& make) {
  const MachineSpec& machine = problem.machine;
  std::vector<int> per_node(static_cast<size_t>(std::max(1, machine.num_nodes())));
  for (const Device& device : machine.devices) ++per_node[static_cast<size_t>(device.node)];
  Baseline baseline;
  baseline.cut.tp = std::max(1, std::ranges::max(per_node));
  baseline.cut.pp = std::max(1, machine.num_nodes());
  const std::string name = fmt::format("the common default, {}", to_string(baseline.cut));
  const Candidate& winner = result.ranked.front();
  const Cut& cut = baseline.cut;
  if (winner.cut.same_shape(cut)) {
    baseline.candidate = winner;
    baseline.message = fmt::format("It is {} (TP = devices per node, PP = nodes)", name);
    return baseline;
  }
  std::vector<Candidate> judged;
  if (cut.devices() <= machine.num_devices() && cut.pp <= problem.model.num_layers() &&
      check_divisibility(problem.model, problem.engine, {.tp = cut.tp, .pp = cut.pp}).ok()) {
    judged = judge(problem, {cut}, make);
  }
  if (!judged.empty()) {
    baseline.candidate = judged.front();
    baseline.advantage = advantage(problem.workload.objective, winner, judged.front());
    const Objective objective = problem.workload.objective;
    baseline.message = fmt::format(
        "Against {} (TP = devices per node, PP = nodes): {} in place of {}, {}", name,
        objective_text(objective, winner), objective_text(objective, judged.front()),
        baseline.advantage < 0.005 ? std::string("as good") : difference_text(objective, baseline.advantage));
    if (winner.meets_slo() && !judged.front().meets_slo()) {
      baseline.message += ", and it " + slo_text(problem, judged.front());
    }
  } else {
    const Rejected rejected{.cut = cut,
                            .reason = cut.pp > problem.model.num_layers() ? Rejection::kLayers : Rejection::kOther};
    baseline.message =
        fmt::format("{} (TP = devices per node, PP = nodes) cannot be: {}", name, why(problem, rejected, make));
    baseline.message[0] = 'T';
  }
  return baseline;
}

}  // namespace

std::vector<Share> shares(const StepCost& step) {
  const std::array<Share, 9> all = {
      Share{"weights", step.weights_s}, {"arithmetic", step.compute_s},    {"attention", step.attention_s},
      {"embedding, head", step.head_s}, {"all-reduce", step.all_reduce_s}, {"all-to-all", step.all_to_all_s},
      {"stage hand-off", step.send_s},  {"overhead", step.overhead_s},     {"bubble", step.bubble_s}};
  std::vector<Share> some;
  const double total = step.total();
  for (Share share : all) {
    if (share.seconds <= 0) continue;
    share.share = share.seconds / total;
    some.push_back(share);
  }
  return some;
}

std::string_view name_of(Constraint constraint) {
  switch (constraint) {
    case Constraint::kMemoryBandwidth: return "memory bandwidth";
    case Constraint::kCompute: return "compute";
    case Constraint::kCommunicationLatency: return "communication latency";
    case Constraint::kCommunicationBandwidth: return "communication bandwidth";
    case Constraint::kOverhead: return "overhead";
    case Constraint::kBubble: return "pipeline bubble";
    case Constraint::kKvCapacity: return "KV capacity";
    case Constraint::kSlo: break;
  }
  return "SLO";
}

std::string difference_text(Objective objective, double advantage) {
  if (objective != Objective::kThroughput) return per_cent(advantage) + " less";
  return advantage < 1 ? per_cent(advantage) + " more" : fmt::format("{:.1f} times as many", 1 + advantage);
}

std::string objective_text(Objective objective, const Candidate& candidate) {
  switch (objective) {
    case Objective::kLatency: return fmt::format("TPOT {:.3g} ms", candidate.tpot_ms);
    case Objective::kThroughput:
      return with_commas(objective_value(objective, candidate)) +
             (candidate.per_device ? " tokens/s per device" : " tokens/s");
    case Objective::kCost: break;
  }
  if (candidate.usd_per_million_tokens > 0) {
    return fmt::format("${:.3g} per million tokens", candidate.usd_per_million_tokens);
  }
  return with_commas(objective_value(Objective::kCost, candidate)) + " device-seconds per million tokens";
}

Explanation explain(const PlanProblem& problem, const SearchResult& result, const MakePredictor& make) {
  Explanation explanation;
  explanation.winner = predict(problem, result.ranked.front(), make);
  find_constraint(problem, result, make, explanation);
  find_runner_up(problem, result, explanation);
  explanation.baseline = find_baseline(problem, result, make);
  explanation.flips = find_flips(problem, result.ranked, make);
  return explanation;
}

}  // namespace kerf
