// kerf bench: measures kerf on a model, beside what the planner predicts for this machine and what it permits at most.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kerf/apps/bench_report.h"
#include "kerf/apps/commands.h"
#include "kerf/apps/job.h"
#include "kerf/apps/predict/bench_test_plan.h"
#include "kerf/apps/predict/engine_runner.h"
#include "kerf/apps/predict/replay.h"
#include "kerf/apps/predict/shape_of.h"
#include "kerf/apps/probe/rounds.h"
#include "kerf/base/progress.h"
#include "kerf/planner/roofline.h"

namespace kerf {

namespace {

struct BenchOptions {
  ModelOptions model;
  BenchTests tests;
  int repetitions = 5;
  int warm_up = 1;
};

Result<std::vector<BenchResult>> measure(Job& job, const BenchOptions& options, const std::vector<BenchTest>& tests) {
  EngineRunner runner(job.engine, job.comm_stats);
  const double pass_bytes = weight_bytes_per_pass(shape_of(job.model, job.dtype, job.quantization, job.kv_cache_dtype));
  std::vector<std::vector<RunFigures>> samples(tests.size());
  Progress progress("measuring", static_cast<int64_t>(tests.size()) * (options.warm_up + options.repetitions), 1,
                    "runs", stderr_is_terminal());
  // Tests take turns, since a shared machine's speed drifts; the first turns warm up.
  int64_t done = 0;
  for (int turn = 0; turn < options.warm_up + options.repetitions; ++turn) {
    for (size_t i = 0; i < tests.size(); ++i) {
      KERF_TRY(const RunFigures figures, run_test(runner, tests[i], job.model.vocab_size));
      if (turn >= options.warm_up) samples[i].push_back(figures);
      progress.update(++done);
    }
  }
  std::vector<BenchResult> results;
  for (size_t i = 0; i < tests.size(); ++i) {
    std::vector<double> rates, bytes;
    for (const RunFigures& figures : samples[i]) {
      rates.push_back(figures.tokens_per_s());
      bytes.push_back(static_cast<double>(figures.steps) * pass_bytes / figures.seconds);
    }
    const Middle rate = middle(rates);
    BenchResult result{.test = tests[i],
                       .tokens_per_s = rate.value,
                       .spread = rate.quartiles / rate.value,
                       .bytes_per_s = middle(bytes).value,
                       .repetitions = options.repetitions};
    for (int op = 0; op < kCommOps; ++op) {
      std::vector<double> fractions;
      for (const RunFigures& figures : samples[i]) {
        fractions.push_back(figures.comm[static_cast<CommOp>(op)] / figures.seconds);
      }
      result.comm[static_cast<CommOp>(op)] = middle(fractions).value;
    }
    results.push_back(result);
  }
  return results;
}

Status predict(const Job& job, std::vector<BenchResult>& results) {
  if (!job.machine) return Ok{};
  const ModelShape shape = shape_of(job.model, job.dtype, job.quantization, job.kv_cache_dtype);
  const auto steps = make_host_step_model(shape, *job.machine, {.name = "kerf"}, job.threads);
  const int hosts = std::max(1, job.machine->num_nodes());
  const auto roofline = make_roofline_model(shape, *job.machine, std::max(1, job.threads * job.plan.ranks() / hosts));
  const Plan one_rank;
  SchedulerConfig one_stage = job.scheduler;
  one_stage.steps_in_flight = 1;
  for (BenchResult& result : results) {
    Replay replay(*steps, shape, job.plan, job.scheduler);
    KERF_TRY(const RunFigures figures, run_test(replay, result.test, job.model.vocab_size));
    result.predicted_tokens_per_s = figures.tokens_per_s();
    Replay bound(*roofline, shape, one_rank, one_stage);
    KERF_TRY(const RunFigures best, run_test(bound, result.test, job.model.vocab_size));
    result.limit_tokens_per_s = best.tokens_per_s();
  }
  return Ok{};
}

Status run_bench(Job& job, const BenchOptions& options) {
  const std::vector<BenchTest> tests = options.tests.list();
  KERF_TRY(std::vector<BenchResult> results, measure(job, options, tests));
  KERF_TRY_STATUS(predict(job, results));
  const JobReport report = job.finish();
  for (const std::string& warning : comm_warnings(results)) fmt::print(stderr, "kerf: {}\n", warning);
  if (options.model.json) {
    nlohmann::ordered_json document;
    document["results"] = nlohmann::ordered_json::array();
    for (const BenchResult& result : results) document["results"].push_back(to_json(result));
    document["threads"] = job.threads;
    document["machine"] = job.machine ? nlohmann::ordered_json(job.machine->name) : nlohmann::ordered_json(nullptr);
    document.update(job.json(report));
    fmt::print("{}\n", document.dump(2));
  } else {
    fmt::print("{}", bench_table(results));
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return fail("cannot write to standard output");
  return Ok{};
}

}  // namespace

void add_bench(CLI::App& app, const std::vector<std::string>& args, int& status) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "Measure prefill and decode, beside what the planner predicts");
  command->footer(
      "Example:\n  kerf bench kerf-tales-7m --prefill 256 --decode 64 --batch 1,16 --tp 2\n"
      "prefill N: prompts of N tokens each until all have their first token. decode N: N tokens more for each "
      "sequence,\n"
      "from --depth tokens in its cache on. The middle half of --repetitions runs counts; the spread is how far its "
      "ends lie "
      "apart.");
  add_model_options(*command, options->model);
  BenchTests& tests = options->tests;
  const auto counts = CLI::Range(int64_t{1}, int64_t{1} << 20);
  command->add_option("--prefill", tests.prefill, "tokens of each prompt, as in 128,512")
      ->delimiter(',')
      ->check(counts)
      ->capture_default_str();
  command->add_option("--decode", tests.decode, "tokens to generate for each sequence")
      ->delimiter(',')
      ->check(counts)
      ->capture_default_str();
  command->add_option("--batch", tests.batch, "sequences at the same time, as in 1,16")
      ->delimiter(',')
      ->check(counts)
      ->capture_default_str();
  command->add_option("--depth", tests.depth, "tokens in each cache before decoding")
      ->check(counts)
      ->capture_default_str();
  command->add_option("--repetitions", options->repetitions, "runs of each test that are counted")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--warm-up", options->warm_up, "runs of each test before those; 0 where a run is long")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->callback([options, &args, &status] {
    JobShape shape;
    shape.sequences = std::ranges::max(options->tests.batch);
    shape.prompt_tokens = options->tests.depth;
    shape.output_tokens = std::ranges::max(options->tests.decode);
    if (options->model.max_model_len == 0) options->model.max_model_len = options->tests.longest_sequence();
    status = run_job(options->model, shape, args, [&](Job& job) { return run_bench(job, *options); });
  });
}

}  // namespace kerf
