// kerf replica: one replica of kerf serve, started by the front (serve/replica_process.h): the job of kerf run, with
// the front's requests for prompts.
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>

#include "kerf/apps/commands.h"
#include "kerf/apps/job.h"
#include "kerf/apps/predict/shape_of.h"
#include "kerf/apps/predict/step_predictor.h"
#include "kerf/base/local_socket.h"
#include "kerf/serve/replica_loop.h"
#include "kerf/serve/replica_process.h"

namespace kerf {

namespace {

// By the machine that the front has planned for, if it had one.
std::function<double(const StepTiming&, const SchedulerStats&)> predictor(const Job& job) {
  if (!job.machine || !job.machine->host.probed()) return {};
  auto made = std::make_shared<StepPredictor>(shape_of(job.model, job.dtype, job.quantization, job.kv_cache_dtype),
                                              *job.machine, job.plan, job.scheduler.block_size, job.threads);
  return [made](const StepTiming& timing, const SchedulerStats& stats) { return made->stage_s(timing, stats); };
}

Status serve_front(Job& job, const ModelOptions& options) {
  const char* name = std::getenv(kFrontVariable);
  if (name == nullptr) return fail("kerf replica is started by kerf serve, not by hand");
  const int fd = connect_local(name, SOCK_STREAM);
  if (fd < 0) return fail("cannot reach the front; the first of --hosts must be the host that kerf serve runs on");
  FrameSocket front(fd);
  const SchedulerConfig& scheduler = job.scheduler;
  ReplicaLoop loop(job.engine, front,
                   {.facts = {.vocab_size = scheduler.vocab_size,
                              .max_model_len = scheduler.max_model_len,
                              .max_num_seqs = scheduler.max_num_seqs,
                              .num_blocks = scheduler.num_blocks,
                              .block_size = scheduler.block_size,
                              .threads = job.threads,
                              .load_s = job.load_s,
                              .pids = job.pids},
                    .deadline = std::chrono::milliseconds(static_cast<int64_t>(options.timeout_s * 1000)),
                    .predict = predictor(job)});
  KERF_TRY_STATUS(loop.run());
  (void)job.finish();  // before the connection closes: then the front waits for nothing that is still to be written
  return Ok{};
}

}  // namespace

void add_replica(CLI::App& app, const std::vector<std::string>& args, int& status) {
  struct Options {
    ModelOptions model;
    EngineOptions engine;
    int index = 0;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("replica", "One replica of kerf serve")->group("");
  add_model_options(*command, options->model);
  add_engine_options(*command, options->engine);
  command->add_option("--replicas", options->engine.replicas);
  command->add_option("--replica", options->index);
  command->callback([options, &args, &status] {
    const JobShape shape{.replica = options->index, .prices = false, .serves = true, .server = options->engine};
    status = run_job(options->model, shape, args, [&](Job& job) { return serve_front(job, options->model); });
  });
}

}  // namespace kerf
