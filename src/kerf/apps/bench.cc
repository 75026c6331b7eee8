// kerf bench: measures kerf on a model, beside what the planner predicts for this machine.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kerf/apps/commands.h"
#include "kerf/apps/job.h"
#include "kerf/apps/predict/bench_test_plan.h"
#include "kerf/apps/predict/engine_runner.h"
#include "kerf/apps/predict/replay.h"
#include "kerf/apps/predict/shape_of.h"
#include "kerf/apps/probe/rounds.h"
#include "kerf/base/progress.h"

namespace kerf {

namespace {

struct BenchOptions {
  ModelOptions model;
  BenchTests tests;
  int repetitions = 5;
};

struct BenchResult {
  BenchTest test;
  double tokens_per_s = 0;
  double predicted_tokens_per_s = 0;  // 0 = no machine to predict by
  double spread = 0;                  // quartiles apart, by the middle
  double comm_fraction = 0;
  double bytes_per_s = 0;  // of weights, all ranks together
  int repetitions = 0;
  [[nodiscard]] double error() const { return predicted_tokens_per_s / tokens_per_s - 1; }
};

// Weights that one pass reads: all of them, but of the embedding the rows it looks up.
double bytes_per_pass(const ModelShape& shape) {
  const int64_t head = shape.head_params > 0 ? shape.head_params : shape.embedding_params;
  double bytes = static_cast<double>(head) * shape.head_format.bits_per_weight() / 8;
  for (const int kind : shape.layers) {
    const LayerShape& layer = shape.kinds[static_cast<size_t>(kind)];
    const auto params = static_cast<double>(layer.attention_params() + layer.mlp.dense_params);
    bytes += params * shape.mlp_format.bits_per_weight() / 8;
  }
  return bytes;
}

Result<std::vector<BenchResult>> measure(Job& job, const BenchOptions& options, const std::vector<BenchTest>& tests) {
  EngineRunner runner(job.engine, job.comm_s);
  const double pass_bytes = bytes_per_pass(shape_of(job.model, job.dtype, job.quantization, job.kv_cache_dtype));
  std::vector<std::vector<RunFigures>> samples(tests.size());
  Progress progress("measuring", static_cast<int64_t>(tests.size()) * (options.repetitions + 1), 1, "runs",
                    stderr_is_terminal());
  // Tests take turns, since a shared machine's speed drifts; the first turn warms up.
  int64_t done = 0;
  for (int turn = 0; turn <= options.repetitions; ++turn) {
    for (size_t i = 0; i < tests.size(); ++i) {
      KERF_TRY(const RunFigures figures, run_test(runner, tests[i], job.model.vocab_size));
      if (turn > 0) samples[i].push_back(figures);
      progress.update(++done);
    }
  }
  std::vector<BenchResult> results;
  for (size_t i = 0; i < tests.size(); ++i) {
    std::vector<double> rates, comm, bytes;
    for (const RunFigures& figures : samples[i]) {
      rates.push_back(figures.tokens_per_s());
      comm.push_back(figures.comm_s / figures.seconds);
      bytes.push_back(static_cast<double>(figures.steps) * pass_bytes / figures.seconds);
    }
    const Middle rate = middle(rates);
    results.push_back({.test = tests[i],
                       .tokens_per_s = rate.value,
                       .spread = rate.quartiles / rate.value,
                       .comm_fraction = middle(comm).value,
                       .bytes_per_s = middle(bytes).value,
                       .repetitions = options.repetitions});
  }
  return results;
}

Status predict(const Job& job, std::vector<BenchResult>& results) {
  if (!job.machine) return Ok{};
  const ModelShape shape = shape_of(job.model, job.dtype, job.quantization, job.kv_cache_dtype);
  const auto steps = make_host_step_model(shape, *job.machine, {.name = "kerf"}, job.threads);
  for (BenchResult& result : results) {
    Replay replay(*steps, shape, job.plan, job.scheduler);
    KERF_TRY(const RunFigures figures, run_test(replay, result.test, job.model.vocab_size));
    result.predicted_tokens_per_s = figures.tokens_per_s();
  }
  return Ok{};
}

nlohmann::ordered_json to_json(const BenchResult& result) {
  nlohmann::ordered_json json = {{"test", result.test.name()},
                                 {"batch", result.test.batch},
                                 {"tokens_per_s", result.tokens_per_s},
                                 {"predicted_tokens_per_s", nullptr},
                                 {"comm_fraction", result.comm_fraction},
                                 {"bytes_per_s", result.bytes_per_s},
                                 {"spread", result.spread},
                                 {"repetitions", result.repetitions}};
  if (result.test.decode > 0) json["depth"] = result.test.prompt;
  if (result.predicted_tokens_per_s > 0) {
    json["predicted_tokens_per_s"] = result.predicted_tokens_per_s;
    json["error"] = result.error();
  }
  return json;
}

void print_table(const std::vector<BenchResult>& results) {
  fmt::print("{:<14} {:>5} {:>10} {:>10} {:>7} {:>7} {:>6} {:>9}\n", "test", "batch", "tokens/s", "predicted", "error",
             "spread", "comm", "weights");
  double errors = 0;
  int predicted = 0;
  for (const BenchResult& r : results) {
    const bool known = r.predicted_tokens_per_s > 0;
    fmt::print("{:<14} {:>5} {:>10.1f} {:>10} {:>7} {:>5.0f} % {:>4.0f} % {:>4.1f} GB/s\n", r.test.name(), r.test.batch,
               r.tokens_per_s, known ? fmt::format("{:.1f}", r.predicted_tokens_per_s) : "-",
               known ? fmt::format("{:+.0f} %", r.error() * 100) : "-", r.spread * 100, r.comm_fraction * 100,
               r.bytes_per_s / 1e9);
    if (!known) continue;
    errors += std::abs(r.error());
    ++predicted;
  }
  if (predicted > 0) {
    fmt::print("mean error of the predictions: {:.1f} %\n", errors / predicted * 100);
  } else {
    fmt::print("no prediction: there is no machine file; kerf probe writes one\n");
  }
}

Status run_bench(Job& job, const BenchOptions& options) {
  const std::vector<BenchTest> tests = options.tests.list();
  KERF_TRY(std::vector<BenchResult> results, measure(job, options, tests));
  KERF_TRY_STATUS(predict(job, results));
  const JobReport report = job.finish();
  if (options.model.json) {
    nlohmann::ordered_json document;
    document["results"] = nlohmann::ordered_json::array();
    for (const BenchResult& result : results) document["results"].push_back(to_json(result));
    document["threads"] = job.threads;
    document["machine"] = job.machine ? nlohmann::ordered_json(job.machine->name) : nlohmann::ordered_json(nullptr);
    document.update(job.json(report));
    fmt::print("{}\n", document.dump(2));
  } else {
    print_table(results);
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
