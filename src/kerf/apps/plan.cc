// kerf plan: how to cut a model on these machines, and why.
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "kerf/apps/commands.h"
#include "kerf/apps/job.h"
#include "kerf/apps/machine_options.h"
#include "kerf/apps/options.h"
#include "kerf/apps/plan_report.h"
#include "kerf/io/model_shape.h"
#include "kerf/planner/engine_catalog.h"
#include "kerf/planner/launch_commands.h"
#include "kerf/planner/memory.h"

namespace kerf {

namespace {

struct PlanOptions {
  std::string model;
  MachineOptions machine;
  double isl = 1024;
  double osl = 256;
  double concurrency = 0;  // 0 = not given
  double rate_per_s = 0;   // 0 = not given
  double slo_ttft_ms = 0;
  double slo_tpot_ms = 0;
  std::string objective = "throughput";
  std::string quantization;
  double price = -1;  // $ per device and hour; < 0 = the catalogue's
  std::string engine;
  std::string emit;
  int top = 0;  // 0 = 10 in text, 1,000 in JSON
  bool json = false;
  bool all_rejected = false;
};

constexpr size_t kMostRejectedInJson = 1000;

// CLI11's own checks let NaN through.
CLI::Validator positive(double most) {
  return {[most](std::string& text) -> std::string {
            char* end = nullptr;
            const double value = std::strtod(text.c_str(), &end);
            if (end != text.c_str() && *end == '\0' && value > 0 && value <= most) return "";
            return fmt::format("{} is not a number above 0 and up to {:.0f}", text, most);
          },
          "POSITIVE"};
}

CLI::Validator price_check() {
  return {[](std::string& text) -> std::string {
            char* end = nullptr;
            const double value = std::strtod(text.c_str(), &end);
            if (end != text.c_str() && *end == '\0' && value >= 0 && value <= 1e6) return "";
            return fmt::format("{} is not a price from 0 to 1000000", text);
          },
          "PRICE"};
}

Result<ModelShape> load_model(const PlanOptions& options) {
  // A model that ships with kerf is a directory; names of others are the catalogue's.
  const Result<std::filesystem::path> shipped = find_model(options.model);
  KERF_TRY(ModelShape model, load_model_shape(shipped.ok() ? shipped->string() : options.model));
  if (!options.quantization.empty()) {
    KERF_TRY_STATUS(apply_quantization(model, options.quantization));
  }
  return model;
}

Result<MachineSpec> load_checked_machine(const PlanOptions& options) {
  if (!options.machine.named()) {
    return fail("no machine to plan for: give --gpu NAME with --gpus-per-node and --nodes, or --machine FILE");
  }
  KERF_TRY(MachineSpec machine, load_machine(options.machine));
  if (machine.num_devices() == 0) return fail("the machine has no devices to plan for");
  if (machine.num_devices() > kMaxPlanDevices) {
    return fail("the machine has {} devices; kerf plan takes {} at most: give fewer --nodes", machine.num_devices(),
                kMaxPlanDevices);
  }
  for (const DeviceKind& kind : machine.device_kinds) {
    if (kind.memory_bytes <= 0 || kind.memory_gb_per_s <= 0) {
      return fail("device '{}' has no known memory or bandwidth: name the GPU with --gpu", kind.name);
    }
  }
  if (options.price >= 0) {
    for (DeviceKind& kind : machine.device_kinds) kind.usd_per_hour = options.price;
  }
  return machine;
}

Workload workload_of(const PlanOptions& options) {
  Workload workload{.isl = options.isl, .osl = options.osl};
  workload.slo_ttft_ms = options.slo_ttft_ms;
  workload.slo_tpot_ms = options.slo_tpot_ms;
  workload.objective = options.objective == "latency" ? Objective::kLatency
                       : options.objective == "cost"  ? Objective::kCost
                                                      : Objective::kThroughput;
  if (options.rate_per_s > 0) {
    workload.arrival = Arrival::kOpenLoop;
    workload.rate_per_s = options.rate_per_s;
  }
  // The least latency is a lone request's; for the rest, the search finds the load.
  workload.concurrency = options.concurrency > 0 ? options.concurrency : 1;
  return workload;
}

Result<PlanProblem> problem_of(const PlanOptions& options) {
  PlanProblem problem;
  KERF_TRY(problem.model, load_model(options));
  KERF_TRY(problem.machine, load_checked_machine(options));
  const bool is_probed = !problem.machine.host.read_gb_per_s.empty();
  std::string engine = !options.engine.empty() ? options.engine : options.emit;
  if (engine.empty()) engine = is_probed ? "kerf" : "vllm";
  KERF_TRY(problem.engine, find_engine(engine));
  problem.workload = workload_of(options);
  problem.find_concurrency = options.concurrency == 0 && options.rate_per_s == 0 && options.objective != "latency";
  if (problem.model.max_positions > 0 && options.isl + options.osl > static_cast<double>(problem.model.max_positions)) {
    return fail("--isl {:.0f} and --osl {:.0f} are more than the {} positions of {}", options.isl, options.osl,
                problem.model.max_positions, problem.model.name);
  }
  return problem;
}

Result<std::string> commands_for(const PlanOptions& options, const PlanReport& report) {
  const PlanProblem& problem = report.problem;
  const Prediction& winner = report.explanation->winner;
  const Candidate& candidate = report.result.ranked.front();
  Placer placer(problem.machine);
  const double per_replica = problem.workload.arrival == Arrival::kOpenLoop ? std::max(1.0, 2 * winner.running)
                                                                            : candidate.concurrency / candidate.cut.dp;
  // Other engines load from Hugging Face, kerf from a directory.
  const bool by_repository = options.emit != "kerf" && !problem.model.repository.empty();
  LaunchRequest request{.model = by_repository ? problem.model.repository : options.model,
                        .is_moe = problem.model.is_moe(),
                        .num_layers = problem.model.num_layers(),
                        .quantization = options.quantization,
                        .plan = winner.plan,
                        .devices = placer.place(winner.plan),
                        .max_model_len = max_model_len(problem.model, problem.workload.isl, problem.workload.osl),
                        .max_num_seqs = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(per_replica))),
                        .max_num_batched_tokens = problem.engine.max_num_batched_tokens,
                        .memory_utilization = problem.engine.memory_utilization};
  request.plan.microbatches = candidate.cut.microbatches;
  if (!candidate.cut.fitted_layers) request.plan.pp_layers.clear();
  return launch_commands(options.emit, request, problem.machine);
}

// Why nothing works, and what would help.
Error nothing_works(const PlanReport& report) {
  const PlanProblem& problem = report.problem;
  const DeviceKind& kind = *std::ranges::max_element(problem.machine.device_kinds, {}, &DeviceKind::memory_bytes);
  const double room = problem.engine.memory_utilization * kind.memory_bytes;
  const double weights = weight_bytes(problem.model);
  if (weights > room * problem.machine.num_devices()) {
    return fail(
        "no plan of {} works on this machine: its {:.0f} GB of weights alone take {:.0f} devices of {:.0f} GB; plan "
        "with more, or with --quantization",
        problem.model.name, weights / 1e9, std::ceil(weights / room), kind.memory_bytes / 1e9);
  }
  return fail("no plan of {} works on this machine: --rejected shows why", problem.model.name);
}

size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60) return std::min<size_t>(size.ws_col, 160);
  return 100;
}

Status run_plan(const PlanOptions& options) {
  KERF_TRY(PlanProblem problem, problem_of(options));
  const size_t usual = options.json ? 1000 : 10;
  PlanReport report =
      make_plan_report(std::move(problem), {.most_plans = options.top > 0 ? static_cast<size_t>(options.top) : usual});
  report.quantization = options.quantization;
  const bool works = report.explanation.has_value();
  if (works && !options.emit.empty()) {
    KERF_TRY(report.commands, commands_for(options, report));
  }
  std::string text;
  if (options.json) {
    text = plan_json(report, options.all_rejected ? SIZE_MAX : kMostRejectedInJson);
  } else if (works && !options.emit.empty()) {
    text = report.commands;
  } else {
    text = plan_text(report, {.all_rejected = options.all_rejected, .columns = terminal_columns()});
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return fail("cannot write to standard output");
  if (!works) return nothing_works(report);
  return Ok{};
}

}  // namespace

void add_plan(CLI::App& app, int& status) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* command = app.add_subcommand("plan", "How to cut a model on these machines, and why");
  command->footer(
      "Examples:\n"
      "  kerf plan Llama-3.1-70B --gpu H100-SXM --gpus-per-node 8 --concurrency 64 --slo-tpot-ms 30\n"
      "  kerf plan Llama-3.1-405B --gpu H200-SXM --nodes 2 --objective latency --emit vllm\n"
      "  kerf plan kerf-tales-7m --machine machine.json --objective latency\n"
      "Without --concurrency or --rate, latency is that of a lone request; throughput and cost are at the load that\n"
      "suits each plan best under the SLO.");
  command
      ->add_option("MODEL", options->model, "Hugging Face directory or config.json, or a model's name: Llama-3.1-70B")
      ->required();
  add_machine_options(*command, options->machine);
  command->add_option("--isl", options->isl, "tokens of a prompt")->check(positive(1e8))->capture_default_str();
  command->add_option("--osl", options->osl, "tokens of an answer")->check(positive(1e8))->capture_default_str();
  auto* concurrency = command->add_option("--concurrency", options->concurrency, "requests at a time, of all clients");
  concurrency->check(positive(1e6));
  auto* rate = command->add_option("--rate", options->rate_per_s, "requests a second, in place of --concurrency");
  rate->check(positive(1e6))->excludes(concurrency);
  command->add_option("--slo-ttft-ms", options->slo_ttft_ms, "longest mean time to the first token")
      ->check(positive(1e9));
  command->add_option("--slo-tpot-ms", options->slo_tpot_ms, "longest mean time per token after it")
      ->check(positive(1e9));
  command->add_option("--objective", options->objective, "latency, throughput or cost")
      ->check(CLI::IsMember({"latency", "throughput", "cost"}))
      ->capture_default_str();
  command->add_option("--quantization", options->quantization,
                      "fp8, int8, int4, awq, gptq, …; default: as it is stored");
  command->add_option("--price", options->price, "dollars per device and hour; default: the catalogue's")
      ->check(price_check());
  command->add_option("--engine", options->engine,
                      "vllm, sglang, trtllm or kerf; default: of --emit, else vllm, on a probed machine kerf");
  command
      ->add_option("--emit", options->emit, "print the commands that start the best plan: kerf, vllm, sglang, trtllm")
      ->check(CLI::IsMember({"kerf", "vllm", "sglang", "trtllm"}));
  command->add_option("--top", options->top, "plans to show; default: 10, with --json 1000")
      ->check(CLI::Range(1, 100000));
  command->add_flag("--rejected", options->all_rejected, "show every rejected plan with its reason");
  command->add_flag("--json", options->json, "one JSON document on stdout");
  command->callback([options, &status] {
    const Status done = run_plan(*options);
    if (done.ok()) return;
    complain(done.error());
    status = 1;
  });
}

}  // namespace kerf
