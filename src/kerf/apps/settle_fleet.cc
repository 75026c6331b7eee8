#include "kerf/apps/settle_fleet.h"

#include <unistd.h>

#include <algorithm>

#include "kerf/apps/fleet_plan.h"
#include "kerf/apps/machine_cache.h"
#include "kerf/serve/core_shares.h"

namespace kerf {

namespace {

// The load that a server is planned for, when nobody knows what will come: as many clients as keep a small machine's
// cores busy, prompts and answers of a chat.
constexpr int64_t kSequences = 16;
constexpr int64_t kPromptTokens = 256;
constexpr int64_t kOutputTokens = 128;
constexpr double kMemoryShare = 0.8;  // for the weights of all replicas; the rest is for KV caches and everything else

int64_t host_memory() { return int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE); }

}  // namespace

Result<std::string> settle_fleet(ServeOptions& options, const PreparedModel& model) {
  ModelOptions& m = options.model;
  const bool can_choose = own_cores().size() > 1;
  std::optional<MachineSpec> machine;
  if (!m.machine.empty()) {
    KERF_TRY(machine, load_machine_file(m.machine));
  } else if (const auto found = find_machine(m.hosts, !m.cut_given && can_choose)) {
    machine = found->machine;
  }
  if (!machine || !m.hosts.empty()) return std::string();
  const FleetWork work{.work = {.sequences = std::min(kSequences, options.max_num_seqs),
                                .prompt_tokens = kPromptTokens,
                                .output_tokens = kOutputTokens,
                                .max_num_batched_tokens = m.max_num_batched_tokens,
                                .threads = m.threads,
                                .quantization = model.quantization},
                       .memory_bytes = static_cast<int64_t>(kMemoryShare * static_cast<double>(host_memory()))};
  const std::vector<PlannedCut> cuts = plan_fleets(model.model, model.dtype, *machine, work);
  if (cuts.empty()) return std::string();
  if (m.cut_given) {
    return describe_override(predict_fleet(model.model, model.dtype, *machine, m.plan, work), cuts.front());
  }
  m.plan = cuts.front().plan;
  return fmt::format("for {} sequences at once, {}", work.work.sequences, describe_choice(cuts));
}

}  // namespace kerf
