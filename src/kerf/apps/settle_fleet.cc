#include "kerf/apps/settle_fleet.h"

#include <algorithm>
#include <filesystem>

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

Result<SettledFleet> settle_fleet(ServeOptions& options, const PreparedModel& model) {
  ModelOptions& m = options.model;
  const bool can_choose = allowed_cores().size() != 1;
  std::optional<MachineSpec> machine;
  std::string file = m.machine;
  if (!file.empty()) {
    KERF_TRY(machine, load_machine_file(file));
  } else if (const auto found = find_machine(m.hosts, !m.cut_given && can_choose)) {
    machine = found->machine;
    if (std::filesystem::exists(found->path)) file = found->path;
  }
  if (!machine || !m.hosts.empty()) return SettledFleet();
  const FleetWork work{.work = {.sequences = std::min(kSequences, options.engine.max_num_seqs),
                                .prompt_tokens = kPromptTokens,
                                .output_tokens = kOutputTokens,
                                .max_num_batched_tokens = m.max_num_batched_tokens,
                                .threads = m.threads,
                                .quantization = model.quantization},
                       .memory_bytes = static_cast<int64_t>(kMemoryShare * static_cast<double>(host_memory_bytes()))};
  const std::vector<PlannedCut> cuts = plan_fleets(model.model, model.dtype, *machine, work);
  if (cuts.empty()) return SettledFleet();
  if (m.cut_given) {
    const PlannedCut given = predict_fleet(model.model, model.dtype, *machine, m.plan, work);
    return SettledFleet{describe_override(given, cuts.front()), machine, file, given.tokens_per_s};
  }
  m.plan = cuts.front().plan;
  return SettledFleet{fmt::format("for {} sequences at once, {}", work.work.sequences, describe_choice(cuts)), machine,
                      file, cuts.front().tokens_per_s};
}

}  // namespace kerf
