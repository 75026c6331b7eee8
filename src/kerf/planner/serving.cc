#include "kerf/planner/serving.h"

#include <algorithm>
#include <cmath>

#include "kerf/planner/efficiency.h"

namespace kerf {

namespace {

constexpr double kMicro = 1e-6;
constexpr double kMilli = 1e-3;
constexpr double kMost = 0.95;  // utilisation above which a queue's formulas say nothing
constexpr int kOpenLoopRounds = 12;
constexpr int kFrontendRounds = 4;
// A prompt that comes to a busy replica queues behind so many others at most: the rest are admitted later.
constexpr double kMostQueued = 8;
constexpr double kMostPromptsTogether = 8;

StepCost scaled(const StepCost& cost, double factor) {
  return {.weights_s = cost.weights_s * factor,
          .compute_s = cost.compute_s * factor,
          .attention_s = cost.attention_s * factor,
          .head_s = cost.head_s * factor,
          .all_reduce_s = cost.all_reduce_s * factor,
          .all_to_all_s = cost.all_to_all_s * factor,
          .send_s = cost.send_s * factor,
          .overhead_s = cost.overhead_s * factor,
          .bubble_s = cost.bubble_s * factor};
}

// What every arrival pattern needs of one replica.
struct Load {
  const ReplicaModel& replica;
  const EngineSpec& engine;
  double isl = 1;
  double osl = 1;
  double requests = 1;  // in flight or queued, of one replica
  double capacity = 1;  // sequences for which there is cache
  double replicas = 1;
  bool coupled = false;  // attention data parallelism over one set of experts

  [[nodiscard]] double decode_s(double sequences, StepCost* cost = nullptr) const {
    const StepCost cycle = replica.decode(sequences, isl + osl / 2);
    if (cost != nullptr) *cost = cycle;
    return cycle.total() / std::max(1.0, engine.accepted_tokens);
  }
};

// Requests per second that the front end takes, all replicas together.
double frontend_limit(const EngineSpec& engine, double osl) {
  double limit = 1e12;
  if (engine.frontend_requests_per_s > 0) limit = engine.frontend_requests_per_s;
  if (engine.frontend_tokens_per_s > 0) limit = std::min(limit, engine.frontend_tokens_per_s / osl);
  return limit;
}

double milliseconds(double seconds) { return seconds / kMilli; }

void fill(Prediction& prediction, const Load& load, double ttft_s, double tpot_s, double requests_per_s) {
  prediction.ttft_ms = milliseconds(ttft_s);
  prediction.tpot_ms = milliseconds(tpot_s);
  prediction.e2e_ms = milliseconds(ttft_s + (load.osl - 1) * tpot_s);
  prediction.requests_per_s = requests_per_s * load.replicas;
  prediction.tokens_per_s = prediction.requests_per_s * load.osl;
}

// B clients, each of which sends its next request when the last is answered.
void closed_loop(const Load& load, const Workload& workload, Prediction& prediction) {
  const EngineSpec& engine = load.engine;
  const double most = static_cast<double>(engine.max_num_seqs);
  const double admitted = std::max(1.0, std::min({load.requests, load.capacity, most}));
  const double prompt_s = load.replica.prompt_s(load.isl);
  const double frontend_per_s = frontend_limit(engine, load.osl) / load.replicas;
  double running = admitted;
  double decode_s = 0;
  double tpot_s = 0;
  for (int round = 0; round < kFrontendRounds; ++round) {
    decode_s = load.decode_s(running, &prediction.decode);
    tpot_s = decode_s + engine.prefill_interference * (running - 1) / load.osl * prompt_s;
    // A front end that binds keeps fewer sequences in flight than there are clients.
    const double fed = frontend_per_s * load.osl * tpot_s;
    if (fed >= admitted) break;
    running = std::max(1.0, (running + std::min(admitted, fed)) / 2);
  }
  prediction.prefill = load.replica.first_prompt(load.isl);
  const double busy = std::min(kMost, admitted * prompt_s / (admitted * prompt_s + load.osl * decode_s));
  const double waves = engine.synchronised + (1 - engine.synchronised) / std::max(1.0, workload.requests_per_client);
  const double wait_steps = engine.admission_steps + (load.coupled ? engine.dp_wait_steps : 0);
  double ttft_s = prediction.prefill.total() + wait_steps * tpot_s + engine.first_token_ms * kMilli;
  ttft_s += engine.burst_queue * waves * (admitted - 1) / 2 * prompt_s;
  ttft_s += engine.steady_queue * busy * prompt_s * std::min(admitted - 1, kMostQueued);
  double life_s = ttft_s + (load.osl - 1) * tpot_s;
  if (admitted / life_s > frontend_per_s) {
    ttft_s += admitted / frontend_per_s - life_s;
    life_s = admitted / frontend_per_s;
  }
  const double requests_per_s = admitted / life_s;
  // Little's law: who finds no room in the cache waits.
  if (load.requests > admitted) ttft_s += (load.requests - admitted) / requests_per_s;
  prediction.running = running;
  fill(prediction, load, ttft_s, tpot_s, requests_per_s);
}

// One batch, prefilled together, decoded together to the end.
void static_batch(const Load& load, Prediction& prediction) {
  const double running = std::max(1.0, load.requests);
  prediction.prefill = load.replica.prefill(load.isl, running);
  const double tpot_s = load.osl > 1 ? load.decode_s(running, &prediction.decode) : 0;
  const double ttft_s = prediction.prefill.total() + load.engine.request_ms * kMilli;
  prediction.running = running;
  fill(prediction, load, ttft_s, tpot_s, running / (ttft_s + (load.osl - 1) * tpot_s));
}

// Everything is queued at time 0: the cache bounds the batch.
void burst(const Load& load, Prediction& prediction) {
  const EngineSpec& engine = load.engine;
  const double most = static_cast<double>(engine.max_num_seqs_offline);
  const double running = std::max(1.0, std::min({load.requests, load.capacity, most}));
  const double decode_s = load.decode_s(running, &prediction.decode);
  prediction.prefill = load.replica.prefill(load.isl, 1);
  const double prompts_s = engine.offline_prefill_interference * running * load.replica.prompt_s(load.isl);
  const double cycle_s = load.osl * decode_s + prompts_s;
  const double requests_per_s = running / cycle_s;
  prediction.running = running;
  // Half of the requests wait for those before them.
  const double ttft_s = prediction.prefill.total() + std::max(0.0, load.requests - running) / 2 / requests_per_s;
  fill(prediction, load, ttft_s, cycle_s / load.osl, requests_per_s);
}

void open_loop(const Load& load, double rate_per_s, Prediction& prediction) {
  const EngineSpec& engine = load.engine;
  const double prompt_s = load.replica.prompt_s(load.isl);
  const double most = std::max(1.0, std::min(load.capacity, static_cast<double>(engine.max_num_seqs)));
  double tpot_s = load.decode_s(1);
  double running = 1;
  for (int round = 0; round < kOpenLoopRounds; ++round) {
    running = std::clamp(rate_per_s * load.osl * tpot_s, 1.0, most);
    const double interference = engine.prefill_interference * std::min(kMost, rate_per_s * prompt_s);
    const double next_s = load.decode_s(running, &prediction.decode) / (1 - interference);
    if (std::abs(next_s - tpot_s) < 1e-3 * tpot_s) break;
    tpot_s = next_s;
  }
  prediction.prefill = load.replica.first_prompt(load.isl);
  const double busy = std::min(kMost, rate_per_s * prompt_s);
  double ttft_s = prediction.prefill.total() + prompt_s * busy / (2 * (1 - busy));
  ttft_s += engine.admission_steps * tpot_s + engine.first_token_ms * kMilli;
  // What cannot keep up serves what it can; its queue has no end, and the wait shows it.
  const double most_per_s = most / (ttft_s + (load.osl - 1) * tpot_s);
  if (rate_per_s > most_per_s) ttft_s += load.osl * tpot_s * rate_per_s / most_per_s;
  prediction.running = running;
  fill(prediction, load, ttft_s, tpot_s, std::min(rate_per_s, most_per_s));
}

}  // namespace

ReplicaModel::ReplicaModel(const StepModel& steps, const EngineSpec& engine, const Plan& plan,
                           const std::vector<StageRun>& stages, double prefix_hit)
    : steps_(steps), engine_(engine), plan_(plan), stages_(stages), prefix_hit_(std::clamp(prefix_hit, 0.0, 0.999)) {}

ReplicaModel::Pass ReplicaModel::pass(const StepShape& step) const {
  Pass pass;
  for (const StageRun& run : stages_) {
    const StepCost cost = steps_.stage(plan_, run.layers, step);
    const double total_s = cost.total();
    pass.sum_s += total_s * run.stages;
    if (total_s - cost.send_s <= pass.slowest_s) continue;
    pass.slowest_s = total_s - cost.send_s;
    pass.slowest = cost;
  }
  return pass;
}

double ReplicaModel::microbatches(double rows, double length) const {
  if (plan_.pp < 2 || !engine_.pipeline_microbatches) return 1;
  if (plan_.microbatches > 0) return std::clamp<double>(plan_.microbatches, 1, std::max(1.0, rows));
  if (engine_.microbatch_tokens == 0) return std::clamp<double>(plan_.pp, 1, std::max(1.0, rows));
  auto piece = static_cast<int64_t>(std::max(1.0, rows));
  if (piece % plan_.pp == 0) piece /= plan_.pp;
  const auto most = static_cast<double>(engine_.microbatch_tokens);
  while (static_cast<double>(piece) * length > most && piece % 2 == 0) piece /= 2;
  return rows / static_cast<double>(piece);
}

StepCost ReplicaModel::decode(double sequences, double context) const {
  const double pieces = microbatches(sequences, 1);
  const double each = sequences / pieces;
  StepShape step{.tokens = each, .sequences = each, .context = context};
  step.active = std::min(pieces, static_cast<double>(plan_.pp)) / plan_.pp;
  const Pass once = pass(step);
  const double busy_s = pieces * once.slowest_s;
  // The hand-off of one microbatch hides behind the next one's work, where there is a next one.
  const double device_s = std::max(busy_s, once.sum_s);
  StepCost cost = scaled(once.slowest, pieces);
  cost.send_s = std::min(cost.send_s, device_s - busy_s);
  cost.bubble_s = std::max(0.0, device_s - busy_s - cost.send_s);
  const double host_s = pieces * (engine_.host_step_us + engine_.host_sequence_us * each) * kMicro;
  if (host_s > 0) cost.overhead_s += overlapped(device_s, host_s) - device_s;
  return cost;
}

StepCost ReplicaModel::prefill(double length, double prompts) const {
  const double fresh = std::max(1.0, length * (1 - prefix_hit_));
  const double tokens = fresh * prompts;
  double pieces = 1;
  if (engine_.chunked_prefill) pieces = std::ceil(tokens / static_cast<double>(engine_.max_num_batched_tokens));
  const bool pipelined = plan_.pp > 1;
  if (pipelined) pieces = std::max(pieces, microbatches(prompts, fresh));
  pieces = std::max(1.0, pieces);
  // Pieces of a whole prompt: what is before a piece is in the cache, half of the prompt on average.
  const double per_prompt = std::max(1.0, pieces / prompts);
  const double before = length - fresh + (fresh - fresh / per_prompt) / 2;
  StepShape step{
      .tokens = tokens / pieces, .sequences = std::max(prompts / pieces, 1.0), .context = before, .prefill = true};
  step.active = pipelined ? std::min(pieces, static_cast<double>(plan_.pp)) / plan_.pp : 1;
  const Pass once = pass(step);
  StepCost cost = scaled(once.slowest, pieces);
  const double total_s = (pieces - 1) * once.slowest_s + once.sum_s;
  cost.send_s = std::min(cost.send_s, total_s - pieces * once.slowest_s);
  cost.bubble_s = std::max(0.0, total_s - pieces * once.slowest_s - cost.send_s);
  cost.overhead_s += engine_.prompt_overhead_us * kMicro * prompts;
  return cost;
}

StepCost ReplicaModel::first_prompt(double length) const {
  StepCost cost = prefill(length, 1);
  const double device_s = cost.total();
  cost.overhead_s += overlapped(device_s, steps_.launch_floor_s()) - device_s;
  return cost;
}

double ReplicaModel::prompt_s(double length) const {
  const double room = static_cast<double>(engine_.max_num_batched_tokens) / std::max(1.0, length * (1 - prefix_hit_));
  const double prompts = std::clamp(room, 1.0, kMostPromptsTogether);
  const StepCost cost = prefill(length, prompts);
  // A busy pipeline has no bubble: the next prompts fill it. The step itself is a decode step's anyway.
  const double busy_s = cost.total() - cost.bubble_s - cost.send_s;
  return std::max(0.0, busy_s - engine_.step_overhead_us * kMicro / plan_.pp) / prompts;
}

void serve(const ReplicaModel& replica, const EngineSpec& engine, const Workload& workload, double kv_tokens,
           Prediction& prediction) {
  const double replicas = prediction.plan.dp;
  const double per_sequence = workload.isl + workload.osl * engine.output_reserve;
  const Load load{.replica = replica,
                  .engine = engine,
                  .isl = std::max(1.0, workload.isl),
                  .osl = std::max(1.0, workload.osl),
                  .requests = std::max(1.0, workload.concurrency / replicas),
                  .capacity = kv_tokens / std::max(1.0, per_sequence),
                  .replicas = std::min(replicas, std::max(1.0, workload.concurrency)),
                  .coupled = prediction.plan.ep > 1 && prediction.plan.dp > 1};
  switch (workload.arrival) {
    case Arrival::kClosedLoop: return closed_loop(load, workload, prediction);
    case Arrival::kStatic: return static_batch(load, prediction);
    case Arrival::kBurst: return burst(load, prediction);
    case Arrival::kOpenLoop: break;
  }
  Load every = load;
  every.replicas = replicas;
  open_loop(every, workload.rate_per_s / replicas, prediction);
}

}  // namespace kerf
