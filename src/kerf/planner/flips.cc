#include "kerf/planner/flips.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "kerf/planner/words.h"

namespace kerf {

namespace {

// Plans that are judged again: a third of them the best ones, then the best of each further (tp, pp), so that every
// kind of plan may win.
constexpr size_t kMostShapes = 72;
constexpr size_t kMostShapesAtLoads = 32;  // where each is judged at a dozen loads
// A plan that is better by less is no news.
constexpr double kNews = 0.01;
// The knob is doubled or halved this often at most, then the change is bisected to 2^(1/2^kBisections).
constexpr int kDoublings = 5;
constexpr int kBisections = 6;

struct Knob {
  std::string name;
  double value = 0;  // today's
  double least = 0;
  double most = 1e18;
  bool whole = false;  // tokens, requests
  std::function<void(PlanProblem&, double)> set;
  std::function<std::string(double, bool)> when;  // (threshold, above) → "with prompts above 6,100 tokens"
};

std::vector<Cut> contenders(const std::vector<Candidate>& ranked, size_t most) {
  std::vector<Cut> cuts;
  std::set<std::pair<int, int>> replicas;
  for (const Candidate& candidate : best_of_each_shape(ranked)) {
    if (cuts.size() >= most) break;
    const bool is_new = replicas.emplace(candidate.cut.tp, candidate.cut.pp).second;
    if (cuts.size() < most / 3 || is_new) cuts.push_back(candidate.cut);
  }
  return cuts;
}

class FlipFinder {
 public:
  FlipFinder(const PlanProblem& problem, const std::vector<Candidate>& ranked, const MakePredictor& make)
      : problem_(problem),
        make_(make),
        builder_(problem.model, problem.machine, problem.engine),
        cuts_(contenders(ranked, problem.find_concurrency ? kMostShapesAtLoads : kMostShapes)),
        today_(ranked.front().cut) {}

  // The nearest change of mind in one direction.
  std::optional<Flip> find(const Knob& knob, bool up) {
    double same = knob.value;
    for (int i = 0; i < kDoublings; ++i) {
      const double next = std::clamp(up ? same * 2 : same / 2, knob.least, knob.most);
      if (next == same) break;
      if (std::optional<Candidate> winner = other_winner(knob, next)) return bisect(knob, same, next, *winner);
      same = next;
    }
    return std::nullopt;
  }

 private:
  // None: today's plan still wins, or nearly.
  std::optional<Candidate> other_winner(const Knob& knob, double value) {
    PlanProblem changed = problem_;
    knob.set(changed, value);
    const std::vector<Candidate> ranked = judge(changed, cuts_, builder_, make_);
    if (ranked.empty()) return std::nullopt;
    const Candidate& first = ranked.front();
    // Where nothing meets the SLO any more, what misses it least is no advice.
    if (same_replica(first.cut, today_) || !first.meets_slo()) return std::nullopt;
    const auto today = std::ranges::find_if(ranked, [&](const Candidate& c) { return c.cut == today_; });
    const bool close =
        today != ranked.end() && today->meets_slo() && advantage(problem_.workload.objective, first, *today) < kNews;
    if (close) return std::nullopt;
    return first;
  }

  std::optional<Flip> bisect(const Knob& knob, double same, double other, Candidate winner) {
    const bool above = other > same;
    for (int i = 0; i < kBisections; ++i) {
      const double middle = std::sqrt(same * other);
      if (const std::optional<Candidate> there = other_winner(knob, middle)) {
        other = middle;
        winner = *there;
      } else {
        same = middle;
      }
    }
    double threshold = round_to_two_digits(other);
    if (knob.whole) threshold = above ? std::floor(threshold) : std::ceil(threshold);
    return Flip{.knob = knob.name,
                .threshold = threshold,
                .above = above,
                .winner = winner,
                .message = fmt::format("{}, {} wins", knob.when(threshold, above), to_string(winner.cut))};
  }

  static bool same_replica(const Cut& a, const Cut& b) { return a.tp == b.tp && a.pp == b.pp && a.ep == b.ep; }

  const PlanProblem& problem_;
  const MakePredictor& make_;
  PlanBuilder builder_;
  std::vector<Cut> cuts_;
  Cut today_;
};

std::string_view side(bool above) { return above ? "above" : "below"; }

void add_workload_knobs(const PlanProblem& problem, std::vector<Knob>& knobs) {
  const Workload& workload = problem.workload;
  const double longest = problem.model.max_positions > 0 ? static_cast<double>(problem.model.max_positions) : 1e7;
  knobs.push_back(
      {.name = "isl",
       .value = workload.isl,
       .least = 1,
       .most = std::max(workload.isl, longest - workload.osl),
       .set = [](PlanProblem& p, double value) { p.workload.isl = value; },
       .when = [](double at,
                  bool above) { return fmt::format("with prompts {} {} tokens", side(above), with_commas(at)); }});
  if (workload.arrival == Arrival::kOpenLoop) {
    knobs.push_back(
        {.name = "rate",
         .value = workload.rate_per_s,
         .set = [](PlanProblem& p, double value) { p.workload.rate_per_s = value; },
         .when = [](double at,
                    bool above) { return fmt::format("{} {} requests a second", side(above), with_commas(at)); }});
  } else if (!problem.find_concurrency) {
    knobs.push_back(
        {.name = "concurrency",
         .value = workload.concurrency,
         .least = 1,
         .set = [](PlanProblem& p, double value) { p.workload.concurrency = value; },
         .when = [](double at,
                    bool above) { return fmt::format("{} {} requests at a time", side(above), with_commas(at)); }});
  }
}

void add_slo_knobs(const PlanProblem& problem, const Candidate& today, std::vector<Knob>& knobs) {
  const Workload& workload = problem.workload;
  if (workload.objective == Objective::kLatency) return;
  knobs.push_back(
      {.name = "slo_tpot_ms",
       .value = workload.slo_tpot_ms > 0 ? workload.slo_tpot_ms : today.tpot_ms,
       .most = workload.slo_tpot_ms > 0 ? 1e18 : today.tpot_ms,
       .set = [](PlanProblem& p, double value) { p.workload.slo_tpot_ms = value; },
       .when = [](double at,
                  bool above) { return fmt::format("with a TPOT SLO {} {} ms", side(above), with_commas(at)); }});
  knobs.push_back(
      {.name = "slo_ttft_ms",
       .value = workload.slo_ttft_ms > 0 ? workload.slo_ttft_ms : today.ttft_ms,
       .most = workload.slo_ttft_ms > 0 ? 1e18 : today.ttft_ms,
       .set = [](PlanProblem& p, double value) { p.workload.slo_ttft_ms = value; },
       .when = [](double at,
                  bool above) { return fmt::format("with a TTFT SLO {} {} ms", side(above), with_commas(at)); }});
}

void add_link_knobs(const PlanProblem& problem, std::vector<Knob>& knobs) {
  const MachineSpec& machine = problem.machine;
  if (!machine.host.collectives.empty()) return;  // measured, nobody sells this machine with other wires
  const auto when = [](std::string which, double today) {
    return [which, today](double at, bool above) {
      return fmt::format("with {} {} {} GB/s (today {})", which, side(above), with_commas(at), with_commas(today));
    };
  };
  if (!machine.links.empty()) {
    const double fastest = std::ranges::max(machine.links, {}, &Link::gb_per_s).gb_per_s;
    knobs.push_back({.name = "link",
                     .value = fastest,
                     .set = [fastest](PlanProblem& p,
                                      double value) { p.machine = with_faster_links(p.machine, value / fastest, 1); },
                     .when = when("links inside a node", fastest)});
  }
  if (!machine.networks.empty() && machine.num_nodes() > 1) {
    const double fastest = std::ranges::max(machine.networks, {}, &Network::gb_per_s_node).gb_per_s_node;
    knobs.push_back({.name = "network",
                     .value = fastest,
                     .set = [fastest](PlanProblem& p,
                                      double value) { p.machine = with_faster_links(p.machine, 1, value / fastest); },
                     .when = when("a network per node", fastest)});
  }
}

std::string_view objective_words(Objective objective) {
  switch (objective) {
    case Objective::kLatency: return "for the least latency";
    case Objective::kThroughput: return "for the most throughput";
    case Objective::kCost: break;
  }
  return "for the least cost";
}

void add_objective_flips(const PlanProblem& problem, const std::vector<Candidate>& ranked, std::vector<Flip>& flips) {
  for (const Objective objective : {Objective::kLatency, Objective::kThroughput, Objective::kCost}) {
    if (objective == problem.workload.objective) continue;
    // At the loads found for throughput, the least latency is not what a lone request would see.
    if (problem.find_concurrency && objective == Objective::kLatency) continue;
    const Candidate& best = *std::ranges::min_element(
        ranked, {}, [&](const Candidate& c) { return std::pair(c.slo_excess, score(objective, c)); });
    if (best.cut.same_shape(ranked.front().cut) || advantage(objective, best, ranked.front()) < kNews) continue;
    flips.push_back({.knob = "objective",
                     .winner = best,
                     .message = fmt::format("{}, {} wins", objective_words(objective), to_string(best.cut))});
  }
}

}  // namespace

MachineSpec with_faster_links(MachineSpec machine, double inside, double between) {
  std::vector<bool> is_network(machine.link_kinds.size(), false);
  for (Network& network : machine.networks) {
    is_network[static_cast<size_t>(network.kind)] = true;
    network.gb_per_s_node *= between;
    network.gb_per_s_device *= between;
  }
  for (size_t i = 0; i < machine.link_kinds.size(); ++i) {
    machine.link_kinds[i].gb_per_s *= is_network[i] ? between : inside;
    machine.link_kinds[i].gb_per_s_each *= is_network[i] ? between : inside;
  }
  for (Link& link : machine.links) link.gb_per_s *= inside;
  return machine;
}

std::vector<Flip> find_flips(const PlanProblem& problem, const std::vector<Candidate>& ranked,
                             const MakePredictor& make) {
  std::vector<Flip> flips;
  if (ranked.empty() || !ranked.front().meets_slo()) return flips;
  std::vector<Knob> knobs;
  add_workload_knobs(problem, knobs);
  add_slo_knobs(problem, ranked.front(), knobs);
  add_link_knobs(problem, knobs);
  FlipFinder finder(problem, ranked, make);
  for (const Knob& knob : knobs) {
    for (const bool up : {true, false}) {
      if (std::optional<Flip> flip = finder.find(knob, up)) flips.push_back(std::move(*flip));
    }
  }
  add_objective_flips(problem, ranked, flips);
  return flips;
}

}  // namespace kerf
