// A whole replica in one process, its ranks as threads: runs requests under any plan.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kerf/comm/world.h"
#include "kerf/engine/engine.h"
#include "kerf/io/checkpoint.h"
#include "kerf/io/model_config.h"
#include "kerf/mesh/mesh.h"
#include "kerf/model/stage.h"

namespace kerf::testing {

struct ReplicaOptions {
  Plan plan;
  DType dtype = DType::kF32;
  Quantization quantization = Quantization::kNone;
  std::optional<DType> kv_cache_dtype = std::nullopt;
  int threads = 1;
  int64_t chunk = 512;  // max_num_batched_tokens
  int64_t max_model_len = 512;
  int64_t num_slots = 8;
  int64_t num_blocks = 0;  // of the KV cache; 0 = enough for every slot
  bool enable_prefix_caching = false;
  std::function<Result<TokenTrie>()> load_tokens;  // for grammars
  // Replaces the tp group's communicator, to test what happens with another one.
  std::function<std::unique_ptr<Communicator>(std::unique_ptr<Communicator>)> wrap_tp;
};

struct ReplicaResult {
  std::vector<int32_t> ids;           // generated
  std::vector<SampledToken> sampled;  // the same, with their log-probabilities
  std::vector<float> logits;          // of a scored request: [prompt tokens, vocab]
  std::string error;
};

struct ReplicaRun {
  std::map<RequestId, ReplicaResult> results;
  std::vector<int64_t> bytes_read;        // by rank
  std::vector<int64_t> layer_reductions;  // by rank
  std::vector<int64_t> layers_run;        // by rank
  SchedulerStats stats;
  std::vector<StepTiming> timings;  // that rank 0 was told
};

// Runs the requests to their ends, all of them admitted at once.
inline ReplicaRun run_replica(const std::filesystem::path& dir, const ReplicaOptions& options,
                              const std::vector<Request>& requests) {
  const ModelSpec model = load_model_spec(dir).value();
  const Plan& plan = options.plan;
  const Status possible = check_plan(model, plan);
  KERF_CHECK(possible.ok(), possible.ok() ? "" : possible.error().message);
  const SchedulerConfig config{.max_num_seqs = options.num_slots,
                               .max_num_batched_tokens = options.chunk,
                               .max_score_rows = options.chunk,
                               .steps_in_flight = plan.pp,
                               .max_model_len = options.max_model_len,
                               .vocab_size = model.vocab_size,
                               .num_blocks = options.num_blocks > 0
                                                 ? options.num_blocks
                                                 : options.num_slots * (options.max_model_len / kBlock + 1),
                               .block_size = kBlock,
                               .eos_ids = model.eos_ids,
                               .enable_prefix_caching = options.enable_prefix_caching};
  KERF_CHECK(config.validate().ok());

  ReplicaRun run;
  const auto ranks = static_cast<size_t>(plan.ranks());
  run.bytes_read.resize(ranks);
  run.layer_reductions.resize(ranks);
  run.layers_run.resize(ranks);

  const std::vector<std::unique_ptr<World>> worlds = make_thread_worlds(plan.ranks());
  const auto rank_main = [&](int rank) {
    Mesh mesh = Mesh::create(*worlds[static_cast<size_t>(rank)], plan);
    if (options.wrap_tp) mesh.tp = options.wrap_tp(std::move(mesh.tp));
    ThreadPool pool(options.threads);
    Checkpoint checkpoint = Checkpoint::open(dir).value();
    Stage stage = Stage::load(model, plan, mesh.stage, mesh.tp_rank, checkpoint,
                              {.dtype = options.dtype,
                               .max_tokens = options.chunk,
                               .max_logit_rows = options.chunk,
                               .kv_blocks = config.num_blocks,
                               .quantization = options.quantization,
                               .kv_cache_dtype = options.kv_cache_dtype},
                              pool)
                      .value();
    Worker worker(mesh, plan, stage, options.chunk, config.bounds(),
                  {.eos_ids = model.eos_ids, .load = options.load_tokens});
    if (rank == 0) {
      Engine engine(worker, config);
      for (const Request& request : requests) KERF_CHECK(engine.add(request).ok());
      while (!engine.idle()) {
        for (SequenceUpdate& update : engine.step()) {
          ReplicaResult& result = run.results[update.request];
          if (update.token) {
            result.ids.push_back(update.token->token);
            result.sampled.push_back(*update.token);
          }
          result.logits.insert(result.logits.end(), update.logits.begin(), update.logits.end());
          result.error += update.error;
        }
      }
      run.stats = engine.stats();
      run.timings = worker.take_timings();
      engine.stop();
    } else {
      worker.serve();
    }
    const auto at = static_cast<size_t>(rank);
    run.bytes_read[at] = checkpoint.bytes_read();
    run.layer_reductions[at] = stage.layer_reductions();
    run.layers_run[at] = stage.layers_run();
  };
  std::vector<std::thread> others;
  for (int rank = 1; rank < plan.ranks(); ++rank) others.emplace_back(rank_main, rank);
  rank_main(0);
  for (auto& thread : others) thread.join();
  return run;
}

}  // namespace kerf::testing
