// serve_load: many clients at an OpenAI-compatible server's /v1/completions, streamed, each asking again when answered.
//
// One thread, so that the server keeps the cores. Times are those at which bytes reach this process.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "clients.h"
#include "report.h"
#include "workload.h"

namespace {

void add_options(CLI::App& app, kerf::load::Options& o) {
  app.footer("Example:\n  serve_load --port 8000 --clients 16 --requests 64 --input 64 --output 64 --json");
  app.add_option("--host", o.host)->capture_default_str();
  app.add_option("--port", o.port)->capture_default_str();
  app.add_option("--model", o.model, "name in the requests; default: none, which means the only one");
  app.add_option("--api-key", o.api_key);
  app.add_option("--clients", o.clients)->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--requests", o.requests, "of all clients together")
      ->check(CLI::Range(1, 10000000))
      ->capture_default_str();
  app.add_option("--input", o.input, "tokens of each prompt")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  app.add_option("--output", o.output, "tokens of each answer")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  app.add_option("--trace", o.trace, "lengths from a CSV of TIMESTAMP,ContextTokens,GeneratedTokens");
  app.add_option("--scale", o.scale, "of the trace's lengths")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--longest", o.longest, "tokens of a prompt and its answer that the trace may reach")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--shared-prefix", o.shared_prefix, "first tokens that all prompts have in common")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_flag("--text", o.text, "prompts of letters in place of ids");
  app.add_option("--vocab", o.vocab, "ids are of its upper half")->check(CLI::Range(2, 1 << 24))->capture_default_str();
  app.add_option("--idle", o.idle, "connections more that stay open after a streamed token")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app.add_option("--seed", o.seed)->capture_default_str();
  app.add_option("--timeout", o.timeout_s, "seconds to wait for the next piece of an answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--slo-ttft-ms", o.slo_ttft_ms);
  app.add_option("--slo-tpot-ms", o.slo_tpot_ms);
  app.add_flag("--json", o.json);
  app.add_flag("--samples", o.samples, "with --json: every request's figures");
}

}  // namespace

int main(int argc, char** argv) {
  kerf::load::Options options;
  CLI::App app("Loads an OpenAI-compatible server and measures it");
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    const auto samples = kerf::load::run_clients(options, kerf::load::make_workload(options));
    const nlohmann::ordered_json summary = kerf::load::summary(options, samples);
    fmt::print("{}", options.json ? summary.dump(2) + "\n" : kerf::load::as_text(summary));
    return summary["errors"].empty() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "serve_load: {}\n", error.what());
    return 1;
  }
}
