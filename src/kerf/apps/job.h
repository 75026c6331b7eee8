// Job: a replica at work, from one rank's point of view: what `kerf run` and `kerf score` have in common.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kerf/apps/options.h"
#include "kerf/apps/prepared_model.h"
#include "kerf/engine/engine.h"
#include "kerf/engine/engine_options.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_spec.h"
#include "kerf/spec/quantization.h"

namespace kerf {

// How much is to be computed at once.
struct JobShape {
  int64_t sequences = 1;       // that run at the same time
  int64_t max_logit_rows = 1;  // rows of logits in one step
  bool reads_stdin = false;    // otherwise keys typed meanwhile stay for the shell
  // What to choose the cut for, as far as it is known before the tokenizer is: tokens of each sequence.
  int64_t prompt_tokens = 128;
  int64_t output_tokens = 128;
  int replica = 0;      // of a server: its number in traces
  bool prices = true;   // an override of the choice hears its predicted price
  bool serves = false;  // somebody watches the job: its first lost rank ends it at once
  // A server's limits, which replace `sequences`: its KV cache is sized from memory, not for `sequences` of the
  // longest. Its max_model_len and max_num_batched_tokens are the model options'.
  std::optional<EngineOptions> server;
};

// What the replica did, summed over its ranks; known after Job::finish().
struct JobReport {
  std::vector<int64_t> bytes_read;  // of the checkpoint, by rank
  CommStats comm;                   // calls counted once per group
  double reductions_per_layer = 0;  // sums over the tp group inside a layer, for one pass
};

// What rank 0's work is given.
struct Job {
  const ModelSpec& model;
  const std::filesystem::path& dir;
  const Plan& plan;
  DType dtype;
  Quantization quantization;
  DType kv_cache_dtype;
  int64_t max_model_len;
  double load_s;
  int threads;                                // per rank
  const SchedulerConfig& scheduler;           // of the engine
  const std::optional<MachineSpec>& machine;  // that the run was planned by, if one is known
  Engine& engine;
  const std::vector<pid_t>& pids;         // of the ranks
  std::function<CommStats()> comm_stats;  // rank 0's so far, of its tp and pp groups
  std::function<JobReport()> finish;      // stops the ranks; call it once

  // The parts of --json that every subcommand has: plan, dtype, quantization, kv_cache_dtype, bytes_read, comm.
  [[nodiscard]] nlohmann::ordered_json json(const JobReport& report) const;
};

// Runs a model as `options` say and returns the exit status. A process that is no rank yet, where
// several are wanted, starts them with `args` (argv without argv[0]) and waits. On rank 0 calls lead(job);
// an error it returns is printed. Exactly one rank prints why a job failed.
int run_job(const ModelOptions& options, const JobShape& shape, const std::vector<std::string>& args,
            const std::function<Status(Job&)>& lead);

}  // namespace kerf
