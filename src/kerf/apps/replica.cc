// kerf replica: one replica of kerf serve, started by the front (serve/replica_process.h): the job of kerf run, with
// the front's requests for prompts.
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>

#include "kerf/apps/commands.h"
#include "kerf/apps/job.h"
#include "kerf/base/local_socket.h"
#include "kerf/serve/replica_loop.h"
#include "kerf/serve/replica_process.h"

namespace kerf {

namespace {

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
                    .deadline = std::chrono::milliseconds(static_cast<int64_t>(options.timeout_s * 1000))});
  return loop.run();
}

}  // namespace

void add_replica(CLI::App& app, const std::vector<std::string>& args, int& status) {
  struct Options {
    ModelOptions model;
    EngineOptions engine;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("replica", "One replica of kerf serve")->group("");
  add_model_options(*command, options->model);
  add_engine_options(*command, options->engine);
  command->add_option("--replicas", options->engine.replicas);
  command->callback([options, &args, &status] {
    const JobShape shape{.prices = false, .serves = true, .server = options->engine};
    status = run_job(options->model, shape, args, [&](Job& job) { return serve_front(job, options->model); });
  });
}

}  // namespace kerf
