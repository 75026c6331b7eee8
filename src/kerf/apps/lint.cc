// kerf lint: somebody's serving command, judged on a machine.
#include "kerf/planner/lint.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kerf/apps/commands.h"
#include "kerf/apps/job.h"
#include "kerf/apps/machine_options.h"
#include "kerf/planner/judgement.h"

namespace kerf {

namespace {

struct LintOptions {
  MachineOptions machine;
  std::string model;
  StatedLoad load;
  std::string objective;
  bool json = false;
};

std::string objective_name(Objective objective) {
  switch (objective) {
    case Objective::kLatency: return "latency";
    case Objective::kThroughput: return "throughput";
    case Objective::kCost: return "cost";
  }
  return "";
}

void add_load_options(CLI::App& command, LintOptions& options) {
  Workload& load = options.load.workload;
  const CLI::Range tokens(1.0, 1e8);
  command.add_option("--isl", load.isl, "prompt tokens of a request")->check(tokens)->capture_default_str();
  command.add_option("--osl", load.osl, "output tokens of a request")->check(tokens)->capture_default_str();
  auto* concurrency = command.add_option("--concurrency", load.concurrency, "requests at a time");
  auto* rate = command.add_option("--rate", load.rate_per_s, "requests a second, in place of --concurrency");
  concurrency->check(CLI::Range(1.0, 1e7))->excludes(rate);
  rate->check(CLI::Range(1e-6, 1e7));
  command.add_option("--slo-ttft-ms", load.slo_ttft_ms, "longest wait for the first token")
      ->check(CLI::Range(0.0, 1e9));
  command.add_option("--slo-tpot-ms", load.slo_tpot_ms, "longest time per further token")->check(CLI::Range(0.0, 1e9));
  command.add_option("--objective", options.objective, "latency, throughput or cost; default: what holds for all")
      ->check(CLI::IsMember({"latency", "throughput", "cost"}));
}

// CLI11's ranges let nan through.
Status check_load(const Workload& load) {
  for (const auto& [name, value] :
       {std::pair{"--isl", load.isl}, std::pair{"--osl", load.osl}, std::pair{"--concurrency", load.concurrency},
        std::pair{"--rate", load.rate_per_s}, std::pair{"--slo-ttft-ms", load.slo_ttft_ms},
        std::pair{"--slo-tpot-ms", load.slo_tpot_ms}}) {
    if (!std::isfinite(value)) return fail("{} is {}: give a number", name, value);
  }
  return Ok{};
}

void read_load(const CLI::App& command, LintOptions& options) {
  StatedLoad& load = options.load;
  load.objective = !options.objective.empty();
  for (const Objective objective : {Objective::kLatency, Objective::kThroughput, Objective::kCost}) {
    if (options.objective == objective_name(objective)) load.workload.objective = objective;
  }
  const bool rate = command.count("--rate") > 0;
  if (rate) load.workload.arrival = Arrival::kOpenLoop;
  load.concurrency = rate || command.count("--concurrency") > 0;
  load.lengths = command.count("--isl") + command.count("--osl") > 0;
}

nlohmann::ordered_json to_json(const LintReport& report) {
  nlohmann::ordered_json document;
  document["engine"] = report.command.engine;
  document["model"] = report.subject.model.name;
  const Plan& plan = report.command.plan;
  document["plan"] = {{"tp", plan.tp}, {"pp", plan.pp}, {"dp", plan.dp}, {"ep", plan.ep}, {"sp", plan.sp}};
  document["loads"] = nlohmann::ordered_json::array();
  for (const Workload& load : report.loads) {
    document["loads"].push_back({{"objective", objective_name(load.objective)},
                                 {"isl", load.isl},
                                 {"osl", load.osl},
                                 {"concurrency", load.concurrency}});
  }
  document["findings"] = nlohmann::ordered_json::array();
  for (const Finding& finding : report.findings) {
    document["findings"].push_back({{"id", finding.advice.id},
                                    {"severity", name_of(finding.advice.severity)},
                                    {"message", finding.advice.message},
                                    {"predicted_loss", std::round(10 * finding.advice.predicted_loss) / 10},
                                    {"fix", finding.fix}});
  }
  return document;
}

void print(const LintReport& report) {
  for (const Finding& finding : report.findings) {
    const Advice& advice = finding.advice;
    fmt::print("{}: {} [{}]\n", name_of(advice.severity), advice.message, advice.id);
    if (advice.severity != Severity::kError) fmt::print("  predicted loss: {:.0f} %\n", advice.predicted_loss);
    if (!finding.fix.empty()) fmt::print("  instead: {}\n", finding.fix);
  }
  // A latency means nothing without its batch, so the load is said wherever speed was judged.
  const bool speed = std::any_of(report.findings.begin(), report.findings.end(),
                                 [](const Finding& f) { return f.advice.severity != Severity::kError; });
  const Workload& stated = report.subject.load.workload;
  if (!speed && stated.slo_ttft_ms <= 0 && stated.slo_tpot_ms <= 0) return;
  for (const Workload& load : report.loads) {
    fmt::print(stderr, "kerf: judged for {} with {}; time per token is the mean after the first\n",
               objective_name(load.objective), describe(load));
  }
}

int refuse(const Error& error, int status) {
  complain(error);
  return status;
}

int run_lint(const LintOptions& options, const std::vector<std::string>& words) {
  if (const Status load = check_load(options.load.workload); !load.ok()) return refuse(load.error(), 2);
  if (!options.machine.named()) {
    return refuse(fail("for which machine? give --gpu NAME --gpus-per-node N --nodes N, or --machine FILE"), 2);
  }
  const auto machine = load_machine(options.machine);
  if (!machine.ok()) return refuse(machine.error(), 2);
  auto report = lint(words, *machine, options.load, options.model);
  if (!report.ok()) return refuse(report.error(), 2);
  if (options.json) {
    fmt::print("{}\n", to_json(**report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    print(**report);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return refuse(fail("cannot write to standard output"), 1);
  }
  return (*report)->has_errors() ? 1 : 0;
}

}  // namespace

int own_arguments(int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) != "lint") return argc;
  for (int i = 2; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--") return i;
  }
  return argc;
}

void add_lint(CLI::App& app, const std::vector<std::string>& args, int& status) {
  auto options = std::make_shared<LintOptions>();
  CLI::App* command = app.add_subcommand("lint", "Judge a serving command of vLLM, SGLang, TensorRT-LLM or kerf");
  command->footer(
      "Example:\n  kerf lint --gpu H100-SXM --gpus-per-node 8 --nodes 2 -- vllm serve "
      "meta-llama/Llama-3.1-70B-Instruct "
      "--tensor-parallel-size 16\n"
      "The command stands behind --, as words or as one quoted line. A good one gets silence; every finding has an id\n"
      "(docs/lint.md), its predicted price and the corrected command. Exit status: 1 when the command would fail.");
  add_machine_options(*command, options->machine);
  command->add_option("--model", options->model, "the model to judge, where kerf does not know the command's");
  add_load_options(*command, *options);
  command->add_flag("--json", options->json, "one JSON document on stdout");
  command->callback([command, options, &args, &status] {
    read_load(*command, *options);
    const auto dashes = std::find(args.begin(), args.end(), "--");
    if (dashes == args.end()) {
      complain(fail("no command to judge: give it after --, as in kerf lint … -- vllm serve MODEL"));
      status = 2;
      return;
    }
    status = run_lint(*options, {dashes + 1, args.end()});
  });
}

}  // namespace kerf
