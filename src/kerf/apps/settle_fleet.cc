#include "kerf/apps/settle_fleet.h"

#include <algorithm>

#include "kerf/apps/fleet_plan.h"
#include "kerf/apps/machine_cache.h"
#include "kerf/apps/predict/shape_of.h"
#include "kerf/base/cores.h"
#include "kerf/base/host_memory.h"
#include "kerf/planner/memory.h"

namespace kerf {

namespace {

// The load that a server is planned for, when nobody knows what will come: as many clients as keep a small machine's
// cores busy, prompts and answers of a chat.
constexpr int64_t kSequences = 16;
constexpr int64_t kPromptTokens = 256;
constexpr int64_t kOutputTokens = 128;
constexpr double kMemoryShare = 0.8;  // for the weights of all replicas; the rest is for KV caches and everything else

// A share on a busy network; and what processes, MPI and memory take at the most before and after.
constexpr double kSlowDiskBytesPerS = 20e6;
constexpr double kStart_s = 60;

// What any core that kerf runs on computes at least in a long prompt: AVX2 in f32 gives twice that.
constexpr double kSlowCoreFlops = 30e9;

}  // namespace

double longest_step_s(const ServeOptions& options, const PreparedModel& model) {
  const double params = weight_bytes(shape_of(model.model, DType::kF32)) / size_of(DType::kF32);
  const double flops = 2 * params * static_cast<double>(options.model.max_num_batched_tokens);
  const double cores = static_cast<double>(allowed_cores().size()) / options.model.plan.dp;
  const double threads = options.model.threads > 0 ? options.model.threads * options.model.plan.tp : cores;
  return flops / (kSlowCoreFlops * std::max(1.0, std::min(cores, threads)));
}

double startup_limit_s(const ServeOptions& options, const PreparedModel& model) {
  if (options.startup_timeout_s > 0) return options.startup_timeout_s;
  const double bytes = weight_bytes(shape_of(model.model, model.model.checkpoint_dtype));
  return kStart_s + bytes * options.model.plan.dp / kSlowDiskBytesPerS;
}

Result<SettledFleet> settle_fleet(ServeOptions& options, const PreparedModel& model) {
  ModelOptions& m = options.model;
  if (m.plan.dp > 1 && m.hosts.find(',') != std::string::npos) {
    return fail(
        "--dp {} over the hosts {}: a replica's first rank is on this host, so that all would take its cores and leave "
        "the others'; cut one replica over all hosts, or start a server on each",
        m.plan.dp, m.hosts);
  }
  const bool can_choose = allowed_cores().size() != 1 || !m.hosts.empty();
  KERF_TRY(const std::optional<FoundMachine> found, planning_machine(m.machine, m.hosts, !m.cut_given && can_choose));
  if (!found) return SettledFleet();
  const FleetWork work{.work = {.sequences = std::min(kSequences, options.engine.max_num_seqs),
                                .prompt_tokens = kPromptTokens,
                                .output_tokens = kOutputTokens,
                                .max_num_batched_tokens = m.max_num_batched_tokens,
                                .threads = m.threads,
                                .quantization = model.quantization,
                                .kv_cache_dtype = model.kv_cache_dtype},
                       .memory_bytes = static_cast<int64_t>(kMemoryShare * static_cast<double>(host_memory_bytes()))};
  // Over several hosts there is one replica: each begins on this one.
  const std::vector<PlannedCut> cuts = m.hosts.empty() ? plan_fleets(model.model, model.dtype, found->machine, work)
                                                       : plan_cuts(model.model, model.dtype, found->machine, work.work);
  SettledFleet fleet{.machine = found->machine, .machine_file = found->path};
  if (cuts.empty()) return fleet;
  if (m.cut_given) {
    const PlannedCut given = predict_fleet(model.model, model.dtype, found->machine, m.plan, work);
    fleet.why = describe_override(given, cuts.front());
    fleet.predicted_tokens_per_s = given.tokens_per_s;
  } else {
    m.plan = cuts.front().plan;
    fleet.why = fmt::format("for {} sequences at once, {}", work.work.sequences, describe_choice(cuts));
    fleet.predicted_tokens_per_s = cuts.front().tokens_per_s;
  }
  return fleet;
}

}  // namespace kerf
