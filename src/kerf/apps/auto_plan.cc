#include "kerf/apps/auto_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "kerf/apps/predict/replay.h"
#include "kerf/apps/predict/shape_of.h"
#include "kerf/base/check.h"
#include "kerf/kernels/kernels.h"
#include "kerf/mesh/partition.h"
#include "kerf/planner/step_model.h"

namespace kerf {

namespace {

// mpirun and the ranks' meeting: 0.3 s with four ranks on the reference machine (apps/launch.cc).
constexpr double kStartRanks_s = 0.3;

// What a cut with more ranks must gain: a prediction's usual error.
constexpr double kClearly = 0.05;

// Decoding is replayed so far; a longer output takes in proportion.
constexpr int64_t kReplayedTokens = 8;

int host_cores(const MachineSpec& machine) {
  return machine.num_nodes() > 1 ? machine.num_devices() : machine.host.cores;
}

SchedulerConfig scheduler_for(const ModelSpec& model, const Plan& plan, const PlannedWork& work, int64_t length) {
  return {.max_num_seqs = work.sequences,
          .max_num_batched_tokens = std::max(work.sequences, work.max_num_batched_tokens),
          .steps_in_flight = plan.pp,
          .max_model_len = length,
          .vocab_size = model.vocab_size,
          .num_blocks = work.sequences * (length / kBlock + 1),
          .block_size = kBlock};
}

std::string rate(double tokens_per_s) {
  return fmt::format("{:.{}f} tokens/s", tokens_per_s, tokens_per_s < 100 ? 1 : 0);
}

std::string with_threads(const PlannedCut& cut) {
  if (cut.threads == 1) return cut_name(cut.plan);
  return fmt::format("{} with {} threads{}", cut_name(cut.plan), cut.threads,
                     cut.plan.ranks() * cut.plan.dp > 1 ? " a rank" : "");
}

double percent_slower(double tokens_per_s, double best) { return (1 - tokens_per_s / best) * 100; }

}  // namespace

PlannedCut predict_cut(const ModelSpec& model, DType dtype, const MachineSpec& machine, const Plan& plan,
                       const PlannedWork& work) {
  const ModelShape shape = shape_of(model, dtype, work.quantization, work.kv_cache_dtype);
  const auto steps = make_host_step_model(shape, machine, {.name = "kerf"}, work.threads);
  const int64_t prompt = std::clamp<int64_t>(work.prompt_tokens, 1, std::max<int64_t>(1, model.max_positions / 2));
  const int64_t replayed = std::min(kReplayedTokens, work.output_tokens);
  const int64_t length = decode_length(work.sequences, prompt, replayed);
  const SchedulerConfig config = scheduler_for(model, plan, work, length);
  Replay replay(*steps, shape, plan, config);

  PlannedCut cut{.plan = plan};
  const int nodes = std::max(1, machine.num_nodes());
  const int here = (plan.ranks() * plan.dp + nodes - 1) / nodes;
  cut.threads = work.threads > 0 ? work.threads : std::max(1, machine.host.cores / here);
  cut.start_s = plan.ranks() > 1 ? kStartRanks_s : 0;
  const RunFigures prefill = run_prefill(replay, work.sequences, prompt, model.vocab_size).value();
  cut.total_s = cut.start_s + prefill.seconds;
  cut.tokens_per_s = prefill.tokens_per_s();
  cut.comm_fraction = prefill.comm_fraction();
  if (replayed > 0) {
    const RunFigures decode = run_decode(replay, work.sequences, prompt, replayed, model.vocab_size).value();
    cut.tokens_per_s = decode.tokens_per_s();
    cut.comm_fraction = decode.comm_fraction();
    cut.total_s += static_cast<double>(work.sequences * work.output_tokens) / decode.tokens_per_s();
  }
  return cut;
}

std::vector<PlannedCut> plan_cuts(const ModelSpec& model, DType dtype, const MachineSpec& machine,
                                  const PlannedWork& work, int ranks) {
  std::vector<PlannedCut> cuts;
  const int most = ranks > 0 ? ranks : host_cores(machine);
  for (int tp = 1; tp <= std::min(most, kMaxSlices); ++tp) {
    for (int pp = 1; pp <= most / tp; ++pp) {
      const Plan plan{.tp = tp, .pp = pp};
      if ((ranks > 0 && plan.ranks() != ranks) || !check_plan(model, plan).ok()) continue;
      cuts.push_back(predict_cut(model, dtype, machine, plan, work));
    }
  }
  std::ranges::stable_sort(cuts, {}, &PlannedCut::total_s);
  if (cuts.empty()) return cuts;
  // The fewest ranks among those that are as good as the best.
  const double good_enough = cuts.front().total_s * (1 + kClearly);
  const auto end = std::ranges::find_if(cuts, [&](const PlannedCut& cut) { return cut.total_s > good_enough; });
  const auto first = std::min_element(
      cuts.begin(), end, [](const PlannedCut& a, const PlannedCut& b) { return a.plan.ranks() < b.plan.ranks(); });
  std::rotate(cuts.begin(), first, first + 1);
  return cuts;
}

std::string cut_name(const Plan& plan) {
  std::string name = plan.pp == 1   ? fmt::format("tp {}", plan.tp)
                     : plan.tp == 1 ? fmt::format("pp {}", plan.pp)
                                    : fmt::format("tp {} x pp {}", plan.tp, plan.pp);
  if (plan.dp > 1) name = plan.ranks() == 1 ? fmt::format("dp {}", plan.dp) : fmt::format("dp {} x {}", plan.dp, name);
  return plan.sp ? name + " with sp" : name;
}

std::string describe_choice(const std::vector<PlannedCut>& cuts) {
  KERF_CHECK(!cuts.empty(), "no cut to describe");
  const PlannedCut& best = cuts.front();
  std::string line = fmt::format("cut: {}: {} predicted", with_threads(best), rate(best.tokens_per_s));
  if (best.plan.ranks() > 1) line += fmt::format(", {:.0f} % of it in collectives", best.comm_fraction * 100);
  if (cuts.size() == 1) return line + "; the only cut that these cores allow";
  const PlannedCut& next = cuts[1];
  const double slower = percent_slower(next.tokens_per_s, best.tokens_per_s);
  if (slower >= 0.5) return line + fmt::format("; next is {}, {:.0f} % slower", with_threads(next), slower);
  if (next.start_s > best.start_s) {
    return line + fmt::format("; {} would not win back the time that starting ranks takes", with_threads(next));
  }
  return line + fmt::format("; {} would be no faster", with_threads(next));
}

std::string describe_override(const PlannedCut& given, const PlannedCut& best) {
  const double slower = percent_slower(given.tokens_per_s, best.tokens_per_s);
  const std::string line = fmt::format("{}: {} predicted", with_threads(given), rate(given.tokens_per_s));
  if (given.plan.tp == best.plan.tp && given.plan.pp == best.plan.pp && given.plan.dp == best.plan.dp &&
      !given.plan.sp) {
    return line + ", kerf's choice";
  }
  if (slower >= 0.5) return line + fmt::format(", {:.0f} % slower than {}", slower, with_threads(best));
  if (slower > -0.5) return line + fmt::format(", as fast as {}", with_threads(best));
  return line + fmt::format(", {:.0f} % faster than {}, which starts sooner", -slower, with_threads(best));
}

}  // namespace kerf
