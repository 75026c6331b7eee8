#include "kerf/planner/judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kerf/planner/lint_links.h"

namespace kerf {

namespace {

// Loads to judge by where nobody has said one: a single chat, and a busy server (vLLM's default max_num_seqs).
constexpr double kQuiet = 1;
constexpr double kBusy = 256;

// Share of the KV cache that the memory model can be trusted with from outside.
constexpr double kSureOfMemory = 0.95;

// A plan that is better on the whole may be slower by this factor under one of several assumed loads.
constexpr double kWorstTrade = 1.5;

// Groups larger than this are never a better plan: NVL72 is the largest fast domain there is.
constexpr int kLargestTp = 72;

double lost(double worse, double better) {  // of times or money: the share that is too much
  if (!(better > 0) || !(worse > 0)) return 0;
  return std::clamp(100 * (1 - better / worse), 0.0, 100.0);
}

bool same_cut(const Plan& a, const Plan& b) { return a.tp == b.tp && a.pp == b.pp && a.dp == b.dp && a.ep == b.ep; }

}  // namespace

std::vector<Workload> judged_loads(const AdviceSubject& subject) {
  Workload load = subject.load.workload;
  const auto most = static_cast<double>(std::max<int64_t>(1, subject.engine.max_num_seqs) * subject.plan.dp);
  const double busy = std::min(kBusy, most);
  const bool slo = load.slo_ttft_ms > 0 || load.slo_tpot_ms > 0;
  if (subject.load.concurrency || (slo && !subject.load.objective)) return {load};
  if (subject.load.objective) {
    if (load.objective != Objective::kLatency) load.concurrency = busy;
    return {load};
  }
  Workload quiet = load;
  quiet.concurrency = kQuiet;
  quiet.objective = Objective::kLatency;
  load.concurrency = busy;
  load.objective = Objective::kThroughput;
  return {quiet, load};
}

Judgement::Judgement(const AdviceSubject& subject) : subject_(subject), loads_(judged_loads(subject)) {
  for (const Workload& load : loads_) {
    models_.emplace_back(subject.model, subject.machine, subject.engine, load);
    own_.push_back(models_.back().predict(subject.plan));
  }
}

Prediction Judgement::predict(const Plan& plan, size_t load) const { return models_[load].predict(plan); }

Prediction Judgement::with_room(const Plan& plan, size_t load) const {
  return CostModel(subject_.model, roomy(subject_.machine), subject_.engine, loads_[load]).predict(plan);
}

double Judgement::loss_percent(const Prediction& own, const Prediction& other, size_t load) const {
  if (!other.fits) return 0;
  if (!own.fits) return 100;
  switch (loads_[load].objective) {
    case Objective::kLatency: return lost(own.tpot_ms, other.tpot_ms);
    case Objective::kCost:
      if (own.usd_per_million_tokens > 0 && other.usd_per_million_tokens > 0) {
        return lost(own.usd_per_million_tokens, other.usd_per_million_tokens);
      }
      [[fallthrough]];
    case Objective::kThroughput: break;
  }
  return lost(other.tokens_per_s, own.tokens_per_s);
}

std::vector<Plan> Judgement::cuts(int devices) const {
  std::vector<Plan> plans;
  const bool replicas = subject_.engine.name != "trtllm";  // trtllm-serve is one replica
  const int64_t layers = subject_.model.num_layers();
  for (int tp = 1; tp <= std::min(devices, kLargestTp); ++tp) {
    if (devices % tp != 0) continue;
    for (int pp = 1; pp <= devices / tp && pp <= layers; ++pp) {
      if (devices / tp % pp != 0) continue;
      Plan plan{.tp = tp, .pp = pp, .dp = devices / tp / pp};
      if (plan.dp > 1 && !replicas) continue;
      if (subject_.plan.ep > 1) plan.ep = tp * plan.dp;
      if (check_divisibility(subject_.model, subject_.engine, plan).ok()) plans.push_back(plan);
    }
  }
  return plans;
}

std::optional<Better> Judgement::compare(const Plan& plan) const {
  Better better{.plan = plan};
  double log_gain = 0;
  double most = 0;
  for (size_t load = 0; load < loads_.size(); ++load) {
    const Prediction other = predict(plan, load);
    if (!starts(other) || (own_[load].meets_slo && !other.meets_slo)) return std::nullopt;
    const double loss = loss_percent(own_[load], other, load);
    const double gain = loss > 0 ? 1 / std::max(0.01, 1 - loss / 100) : 1 - loss_percent(other, own_[load], load) / 100;
    if (gain < 1 / kWorstTrade) return std::nullopt;
    log_gain += std::log(gain) / static_cast<double>(loads_.size());
    if (loss > most) better.load = load;
    most = std::max(most, loss);
  }
  better.loss_percent = 100 * (1 - std::exp(-log_gain));
  return better;
}

std::optional<Better> Judgement::best(int devices, const Filter& filter) const {
  const bool leaves_node = worst_tp_link(subject_.machine, subject_.plan).network;
  std::optional<Better> found;
  for (const Plan& plan : cuts(devices)) {
    if (same_cut(plan, subject_.plan) || (filter && !filter(plan))) continue;
    // Nobody is sent from inside a node onto the network: what NICs do to each all-reduce is known too roughly.
    if (!leaves_node && worst_tp_link(subject_.machine, plan).network) continue;
    const std::optional<Better> better = compare(plan);
    if (better && better->loss_percent > 0 && (!found || better->loss_percent > found->loss_percent)) found = better;
  }
  return found;
}

bool Judgement::starts(const Prediction& prediction) const {
  if (!prediction.fits) return false;
  const EngineCommand* command = subject_.command;
  if (command == nullptr || subject_.engine.name != "vllm" || command->auto_model_len || command->sizes_kv_itself) {
    return true;
  }
  return prediction.memory.kv_tokens >= kSureOfMemory * static_cast<double>(subject_.max_model_len);
}

std::optional<Plan> Judgement::best_working(int devices, const Filter& filter, bool any_length) const {
  const int all = subject_.machine.num_devices();
  std::vector<int> sizes = {std::min(devices, all)};
  for (int more = std::min(devices, all) + 1; more <= all; ++more) {
    if (all % more == 0) sizes.push_back(more);
  }
  const size_t load = loads_.size() - 1;
  for (const int size : sizes) {
    std::optional<Plan> found;
    Prediction best;
    for (const Plan& plan : cuts(size)) {
      if (filter && !filter(plan)) continue;
      const Prediction prediction = predict(plan, load);
      if (any_length ? !prediction.fits : !starts(prediction)) continue;
      const bool gains = !found || (prediction.meets_slo && !best.meets_slo) ||
                         (prediction.meets_slo == best.meets_slo && loss_percent(best, prediction, load) > 0);
      if (!gains) continue;
      best = prediction;
      found = plan;
    }
    if (found) return found;
  }
  return std::nullopt;
}

std::optional<Plan> Judgement::repair(int devices, const Filter& filter) const {
  return best_working(devices, filter, false);
}

void Judgement::repair(Advice& advice, int devices, const Filter& filter) const {
  advice.better = best_working(devices, filter, false);
  if (advice.better) return;
  advice.better = best_working(devices, filter, true);
  if (!advice.better) return;
  const int64_t length = round_length(kSureOfMemory * predict(*advice.better).memory.kv_tokens);
  if (length > 0) advice.changes.push_back({Setting::kMaxModelLen, std::to_string(length)});
}

int64_t round_length(double tokens) {
  const auto whole = static_cast<int64_t>(std::clamp(tokens, 0.0, 1e12));
  return whole >= 4096 ? whole / 1024 * 1024 : whole / 256 * 256;
}

MachineSpec roomy(MachineSpec machine) {
  for (DeviceKind& kind : machine.device_kinds) kind.memory_bytes = 1e15;
  return machine;
}

std::string describe(const Workload& workload) {
  const std::string lengths = fmt::format("{:.0f} + {:.0f} tokens", workload.isl, workload.osl);
  if (workload.arrival == Arrival::kOpenLoop) return fmt::format("{:g} requests/s of {}", workload.rate_per_s, lengths);
  if (workload.concurrency <= 1) return fmt::format("one request at a time of {}", lengths);
  return fmt::format("{:.0f} requests at a time of {}", workload.concurrency, lengths);
}

std::string describe(const Plan& plan) {
  std::string text = fmt::format("tp {}", plan.tp);
  if (plan.pp > 1) text += fmt::format(" x pp {}", plan.pp);
  if (plan.dp > 1) text += fmt::format(" x dp {}", plan.dp);
  return text;
}

}  // namespace kerf
