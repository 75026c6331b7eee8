#include "kerf/apps/job.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <thread>

#include "kerf/apps/auto_plan.h"
#include "kerf/apps/kv_memory.h"
#include "kerf/apps/launch.h"
#include "kerf/apps/lifeline.h"
#include "kerf/apps/machine_cache.h"
#include "kerf/apps/trace_file.h"
#include "kerf/base/cores.h"
#include "kerf/base/host_memory.h"
#include "kerf/base/progress.h"
#include "kerf/comm/world.h"
#include "kerf/io/checkpoint.h"
#include "kerf/io/model_config.h"
#include "kerf/io/tokenizer/tokenizer.h"
#include "kerf/mesh/gather_trace.h"
#include "kerf/mesh/mesh.h"

namespace kerf {

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

// Every rank's number, by rank. Every rank takes part.
std::vector<int32_t> gather(Communicator& all, int32_t own) {
  std::vector<int32_t> numbers(static_cast<size_t>(all.size()));
  std::vector<int64_t> bounds(numbers.size() + 1);
  std::iota(bounds.begin(), bounds.end(), 0);
  all.all_gather(ConstTensor(&own, {1}), Tensor(numbers.data(), {all.size()}), bounds);
  return numbers;
}

// Every rank says whether it is well; the first that is not speaks for all.
bool all_well(Communicator& all, const Status& own) {
  const std::vector<int32_t> well = gather(all, own.ok() ? 1 : 0);
  const auto first_ill = std::find(well.begin(), well.end(), 0) - well.begin();
  if (first_ill == all.rank()) report_failure(own.error().message);
  return first_ill == all.size();
}

// One rank's figures, gathered by rank 0.
struct Figures {
  int64_t bytes_read = 0;
  int64_t layer_reductions = 0;
  int64_t layers_run = 0;
  CommStats tp, pp;
};

void add(const CommStats& stats, CommStats& sum) {
  for (size_t op = 0; op < kCommOps; ++op) {
    sum.by_op[op].calls += stats.by_op[op].calls;
    sum.by_op[op].bytes += stats.by_op[op].bytes;
    sum.by_op[op].seconds += stats.by_op[op].seconds;
  }
}

// Without what a whole group does together.
CommStats pairwise(const CommStats& stats) {
  CommStats only;
  for (const CommOp op : {CommOp::kSend, CommOp::kRecv}) only[op] = stats[op];
  return only;
}

JobReport gather_report(const Mesh& mesh, const Figures& own) {
  const auto ranks = static_cast<size_t>(mesh.all->size());
  std::vector<Figures> figures(ranks);
  std::vector<int64_t> bounds;
  for (size_t i = 0; i <= ranks; ++i) bounds.push_back(static_cast<int64_t>(i * sizeof(Figures)));
  mesh.all->all_gather(ConstTensor(&own, DType::kU8, {sizeof(Figures)}),
                       Tensor(figures.data(), DType::kU8, {bounds.back()}), bounds);
  JobReport report;
  int64_t reductions = 0;
  int64_t layers = 0;
  const auto tp = static_cast<size_t>(mesh.tp->size());
  for (size_t rank = 0; rank < ranks; ++rank) {
    report.bytes_read.push_back(figures[rank].bytes_read);
    reductions += figures[rank].layer_reductions;
    layers += figures[rank].layers_run;
    // A group of one rank moves nothing; of the others, tp rank 0 (or stage 0) counts for all.
    if (mesh.tp->size() > 1) add(rank % tp == 0 ? figures[rank].tp : pairwise(figures[rank].tp), report.comm);
    if (mesh.pp->size() > 1) add(rank / tp == 0 ? figures[rank].pp : pairwise(figures[rank].pp), report.comm);
  }
  report.reductions_per_layer = layers == 0 ? 0 : static_cast<double>(reductions) / static_cast<double>(layers);
  return report;
}

// Ends a rank whose start outlasts the deadline: MPI itself waits for ever for a rank that hangs.
class StartWatch {
 public:
  explicit StartWatch(std::chrono::milliseconds deadline)
      : thread_([this, deadline] {
          std::unique_lock lock(mutex_);
          if (ended_.wait_for(lock, deadline, [this] { return done_; })) return;
          report_failure(fmt::format("the ranks did not all start within {:.0f} s; the job ends",
                                     std::chrono::duration<double>(deadline).count()));
          std::_Exit(kFailed);
        }) {}
  ~StartWatch() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    ended_.notify_one();
    thread_.join();
  }
  StartWatch(const StartWatch&) = delete;
  StartWatch& operator=(const StartWatch&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  std::thread thread_;
};

RankPlace place_on_host(const World& world) {
  RankPlace place{.index = 0, .ranks = 0};
  for (int rank = 0; rank < world.size(); ++rank) {
    if (world.host(rank) != world.host(world.rank())) continue;
    if (rank == world.rank()) place.index = place.ranks;
    ++place.ranks;
  }
  return place;
}

int threads_per_rank(const ModelOptions& options, RankPlace place) {
  if (options.threads > 0) return options.threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / place.ranks);
}

Stage::Config stage_config(const ModelOptions& options, const PreparedModel& p, const SchedulerConfig& config) {
  return {.dtype = p.dtype,
          .max_tokens = options.max_num_batched_tokens,
          .max_logit_rows = std::max(config.max_score_rows, config.max_num_seqs),
          .kv_blocks = config.num_blocks,
          .quantization = p.quantization,
          .kv_cache_dtype = p.kv_cache_dtype};
}

// What fits on the poorest rank. Every rank takes part and fails alike.
Result<KvSize> kv_size_from_memory(const World& world, Mesh& mesh, const ModelOptions& options, const PreparedModel& p,
                                   const SchedulerConfig& config, const EngineOptions& server) {
  const KvMemory own = {.memory = host_memory_bytes(),
                        .ranks_sharing = place_on_host(world).ranks * server.replicas,
                        .weights = weight_bytes_of_rank(p.model, p.dtype, p.quantization, options.plan, mesh.stage),
                        .scratch = Stage::scratch_bytes(p.model, stage_config(options, p, config)),
                        .block = kv_block_bytes(p.model, options.plan, mesh.stage, mesh.tp_rank, p.kv_cache_dtype)};
  const auto own_fit = static_cast<int32_t>(blocks_that_fit(own, server.memory_utilization));
  const std::vector<int32_t> fits = gather(*mesh.all, own_fit);
  return size_kv_cache(server, *std::min_element(fits.begin(), fits.end()), p.model.max_positions);
}

// Room for all sequences at their longest; a server's from its memory.
Result<SchedulerConfig> scheduler_config(const World& world, Mesh& mesh, const ModelOptions& options,
                                         const JobShape& shape, const PreparedModel& p) {
  SchedulerConfig config{
      .max_num_seqs = std::min(shape.sequences, options.max_num_batched_tokens),
      .max_num_batched_tokens = options.max_num_batched_tokens,
      .max_score_rows = shape.max_logit_rows,
      .steps_in_flight = options.plan.pp,
      .max_model_len = p.max_model_len,
      .vocab_size = p.model.vocab_size,
      .num_blocks = std::min(shape.sequences, options.max_num_batched_tokens) * (p.max_model_len / kBlock + 1),
      .block_size = kBlock,
      .eos_ids = p.model.eos_ids};
  if (!shape.server) return config;
  EngineOptions server = *shape.server;
  server.max_model_len = options.max_model_len;
  server.max_num_batched_tokens = options.max_num_batched_tokens;
  KERF_TRY_STATUS(server.validate(kBlock));
  config.max_num_seqs = server.max_num_seqs;
  config.enable_prefix_caching = server.enable_prefix_caching;
  config.max_prompt_tokens_beside_decodes = server.max_prompt_tokens_beside_decodes;
  KERF_TRY(const KvSize size, kv_size_from_memory(world, mesh, options, p, config, server));
  config.num_blocks = size.num_blocks;
  config.max_model_len = size.max_model_len;
  return config;
}

// Of the groups that have somebody to talk to.
CommStats comm_stats(const Mesh& mesh) {
  CommStats sum;
  for (const Communicator* group : {mesh.tp.get(), mesh.pp.get()}) {
    if (group->size() > 1) add(group->stats(), sum);
  }
  return sum;
}

// Every rank takes part, rank 0 writes. A trace that cannot be written is a pity, not a failure.
void write_trace(Mesh& mesh, const Trace& trace, int replica, const std::string& path) {
  mesh.set_trace(nullptr);
  const std::vector<TraceTrack> tracks = gather_traces(mesh, trace, replica);
  if (mesh.all->rank() != 0) return;
  if (const Status written = write_trace_file(path, tracks); !written.ok()) complain(written.error());
}

int run_rank(World& world, const ModelOptions& options, const JobShape& shape, const Result<PreparedModel>& prepared,
             const std::optional<MachineSpec>& machine, const std::function<Status(Job&)>& lead) {
  const auto start = std::chrono::steady_clock::now();
  const Plan& plan = options.plan;
  Mesh mesh = Mesh::create(world, plan);
  if (!all_well(*mesh.all, prepared.ok() ? Status(Ok{}) : Status(prepared.error()))) return kFailed;
  const PreparedModel& p = *prepared;

  const Result<SchedulerConfig> sized = scheduler_config(world, mesh, options, shape, p);
  if (!all_well(*mesh.all, sized.ok() ? Status(Ok{}) : Status(sized.error()))) return kFailed;
  const SchedulerConfig& config = *sized;
  KERF_CHECK(config.validate().ok());

  const RankPlace place = place_on_host(world);
  const int threads = threads_per_rank(options, place);
  ThreadPool pool(threads, cores_of_rank(place, threads));
  Result<Checkpoint> checkpoint = Checkpoint::open(p.dir);
  if (!all_well(*mesh.all, checkpoint.ok() ? Status(Ok{}) : Status(checkpoint.error()))) return kFailed;
  Result<Stage> stage = [&] {
    Progress progress("loading", checkpoint->total_bytes() / plan.ranks(), 1e6, "MB",
                      world.rank() == 0 && stderr_is_terminal());
    return Stage::load(p.model, plan, mesh.stage, mesh.tp_rank, *checkpoint, stage_config(options, p, config), pool,
                       [&](int64_t bytes) { progress.update(bytes); });
  }();
  if (!all_well(*mesh.all, stage.ok() ? Status(Ok{}) : Status(stage.error()))) return kFailed;
  const double load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const std::vector<pid_t> pids = gather(*mesh.all, getpid());
  Worker worker(mesh, plan, *stage, options.max_num_batched_tokens, config.bounds(),
                {.eos_ids = p.model.eos_ids, .load = [&p]() -> Result<TokenTrie> {
                   KERF_TRY(const std::unique_ptr<Tokenizer> tokenizer, Tokenizer::load(p.dir));
                   return TokenTrie::of(*tokenizer);
                 }});
  std::optional<Trace> trace;
  if (!options.trace.empty()) mesh.set_trace(&trace.emplace());
  const auto report = [&] {
    JobReport gathered = gather_report(mesh, {.bytes_read = checkpoint->bytes_read(),
                                              .layer_reductions = stage->layer_reductions(),
                                              .layers_run = stage->layers_run(),
                                              .tp = mesh.tp->stats(),
                                              .pp = mesh.pp->stats()});
    if (trace) write_trace(mesh, *trace, shape.replica, options.trace);
    return gathered;
  };
  if (world.rank() != 0) {
    worker.serve();
    (void)report();
    return 0;
  }
  Engine engine(worker, config);
  bool finished = false;
  Job job{.model = p.model,
          .dir = p.dir,
          .plan = plan,
          .dtype = p.dtype,
          .quantization = p.quantization,
          .kv_cache_dtype = p.kv_cache_dtype,
          .max_model_len = config.max_model_len,
          .load_s = load_s,
          .threads = threads,
          .scheduler = config,
          .machine = machine,
          .engine = engine,
          .pids = pids,
          .comm_stats = [&] { return comm_stats(mesh); },
          .finish =
              [&] {
                finished = true;
                engine.stop();
                return report();
              }};
  const Status status = lead(job);
  if (!finished) (void)job.finish();
  if (status.ok()) return 0;
  complain(status.error());
  return kFailed;
}

}  // namespace

nlohmann::ordered_json Job::json(const JobReport& report) const {
  nlohmann::ordered_json comm;
  for (int op = 0; op < kCommOps; ++op) {
    const CommStats::Entry& entry = report.comm[static_cast<CommOp>(op)];
    comm[std::string(name_of(static_cast<CommOp>(op)))] = {
        {"count", entry.calls}, {"bytes", entry.bytes}, {"seconds", entry.seconds}};
  }
  comm["reductions_per_layer"] = report.reductions_per_layer;
  return {{"plan", {{"tp", plan.tp}, {"pp", plan.pp}, {"dp", plan.dp}, {"ep", plan.ep}, {"sp", plan.sp}}},
          {"dtype", name_of(dtype)},
          {"quantization", name_of(quantization)},
          {"kv_cache_dtype", name_of(kv_cache_dtype)},
          {"bytes_read", report.bytes_read},
          {"comm", comm}};
}

namespace {

PlannedWork planned_work(const ModelOptions& options, const JobShape& shape, const PreparedModel& prepared) {
  return {.sequences = shape.sequences,
          .prompt_tokens = shape.prompt_tokens,
          .output_tokens = shape.output_tokens,
          .max_num_batched_tokens = options.max_num_batched_tokens,
          .threads = options.threads,
          .quantization = prepared.quantization,
          .kv_cache_dtype = prepared.kv_cache_dtype};
}

// Chooses the cut where the command line says none, or prices the one it says, in one line on stderr. The ranks'
// command line follows in `args`.
void settle_cut(ModelOptions& options, const JobShape& shape, const PreparedModel& prepared,
                const std::optional<FoundMachine>& found, std::vector<std::string>& args) {
  if (!found || (options.cut_given && !shape.prices)) return;
  const PlannedWork work = planned_work(options, shape, prepared);
  const std::vector<PlannedCut> cuts = plan_cuts(prepared.model, prepared.dtype, found->machine, work);
  if (cuts.empty()) return;
  if (options.cut_given) {
    const PlannedCut given = predict_cut(prepared.model, prepared.dtype, found->machine, options.plan, work);
    fmt::print(stderr, "kerf: {}\n", describe_override(given, cuts.front()));
    return;
  }
  options.plan.tp = cuts.front().plan.tp;
  options.plan.pp = cuts.front().plan.pp;
  for (const auto& [flag, degree] : {std::pair{"--tp", options.plan.tp}, {"--pp", options.plan.pp}}) {
    args.insert(args.end(), {flag, std::to_string(degree)});
  }
  if (options.machine.empty() && !found->path.empty()) {
    args.insert(args.end(), {"--machine", found->path.string()});
  }
  fmt::print(stderr, "kerf: {}\n", describe_choice(cuts));
}

// Under the user's own mpirun: rank 0 chooses a cut over all ranks, and tells it. Without figures: tensor parallelism
// as far as the model allows it.
void agree_on_cut(World& world, ModelOptions& options, const JobShape& shape, const Result<PreparedModel>& prepared,
                  const std::optional<MachineSpec>& machine) {
  std::vector<int> everyone(static_cast<size_t>(world.size()));
  std::iota(everyone.begin(), everyone.end(), 0);
  const std::unique_ptr<Communicator> all = world.group(everyone, "plan");
  std::array<int32_t, 2> cut = {1, world.size()};
  if (world.rank() == 0 && prepared.ok()) {
    std::vector<PlannedCut> cuts;
    if (machine) {
      cuts =
          plan_cuts(prepared->model, prepared->dtype, *machine, planned_work(options, shape, *prepared), world.size());
    }
    for (int tp = 1; tp <= world.size() && cuts.empty(); ++tp) {
      const Plan plan{.tp = tp, .pp = world.size() / tp};
      if (plan.ranks() == world.size() && check_plan(prepared->model, plan).ok()) cut = {plan.tp, plan.pp};
    }
    if (!cuts.empty()) {
      cut = {cuts.front().plan.tp, cuts.front().plan.pp};
      fmt::print(stderr, "kerf: {}\n", describe_choice(cuts));
    }
  }
  all->broadcast(Tensor(cut.data(), {2}), 0);
  options.plan.tp = cut[0];
  options.plan.pp = cut[1];
}

}  // namespace

int run_job(const ModelOptions& given, const JobShape& shape, const std::vector<std::string>& given_args,
            const std::function<Status(Job&)>& lead) {
  ModelOptions options = given;
  std::vector<std::string> args = given_args;
  const Result<PreparedModel> prepared = prepare_model(options);
  if (!started_by_mpi() && !prepared.ok()) {
    complain(prepared.error());
    return kFailed;
  }
  const bool leads = !started_by_mpi();
  const bool can_choose = std::thread::hardware_concurrency() > 1 || !options.hosts.empty();
  const Result<std::optional<FoundMachine>> found =
      planning_machine(options.machine, options.hosts, leads && !options.cut_given && can_choose);
  // On another host the file of the kerf that launched this rank need not be.
  if (!found.ok() && std::getenv(kLifelineVariable) == nullptr) {
    complain(found.error());
    return kFailed;
  }
  std::optional<MachineSpec> machine;
  if (found.ok() && *found) machine = (*found)->machine;
  if (leads) settle_cut(options, shape, *prepared, *found, args);
  if (leads && options.plan.ranks() > 1) {
    return launch({.ranks = options.plan.ranks(),
                   .hosts = options.hosts,
                   .args = args,
                   .reads_terminal = shape.reads_stdin,
                   .patient = !shape.serves});
  }
  std::unique_ptr<World> world;
  try {
    const std::chrono::milliseconds deadline(static_cast<int64_t>(options.timeout_s * 1000));
    {
      const StartWatch watch(deadline);
      world = make_world(deadline);
    }
    if (!options.cut_given && world->size() > 1) agree_on_cut(*world, options, shape, prepared, machine);
    if (world->size() == options.plan.ranks()) return run_rank(*world, options, shape, prepared, machine, lead);
  } catch (const CommError& error) {
    report_failure(error.what());
    if (world == nullptr) std::_Exit(kFailed);
    world->abort("");
    return kFailed;
  }
  if (world->rank() == 0)
    report_failure(
        fmt::format("mpirun started {} ranks, but tp {} x pp {} needs {}; start that many, or let kerf start them",
                    world->size(), options.plan.tp, options.plan.pp, options.plan.ranks()));
  return kWrongUsage;
}

}  // namespace kerf
