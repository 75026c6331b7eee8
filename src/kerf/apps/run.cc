// kerf run: continue prompts, or chat.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kerf/apps/chat.h"
#include "kerf/apps/commands.h"
#include "kerf/apps/generate.h"
#include "kerf/apps/guidance.h"
#include "kerf/apps/job.h"

namespace kerf {

namespace {

struct RunOptions {
  ModelOptions model;
  std::vector<std::string> prompts;
  std::string prompt_ids;
  std::string system;
  GuidanceOptions guidance;
  SamplingParams params{.temperature = 0, .max_tokens = 128};
};

nlohmann::ordered_json to_json(const Generation& generation, const Tokenizer* tokenizer) {
  nlohmann::ordered_json json = {{"prompt_ids", generation.prompt_ids},
                                 {"ids", generation.ids},
                                 {"text", generation.text},
                                 {"finish_reason", name_of(generation.finish)}};
  if (!generation.tokens.empty()) {
    const auto token_json = [&](int32_t id, double logprob) {
      nlohmann::ordered_json token = {{"id", id}, {"logprob", logprob}};
      if (tokenizer != nullptr) token["token"] = tokenizer->decode(std::array{id}, false);
      return token;
    };
    for (const SampledToken& sampled : generation.tokens) {
      nlohmann::ordered_json token = token_json(sampled.token, sampled.logprob);
      token["top_logprobs"] = nlohmann::ordered_json::array();
      for (const TokenLogprob& top : sampled.top) token["top_logprobs"].push_back(token_json(top.token, top.logprob));
      json["logprobs"].push_back(std::move(token));
    }
  }
  json["timing"] = {{"ttft_ms", generation.ttft_ms}, {"tpot_ms", generation.tpot_ms}};
  return json;
}

// One prompt: its fields stand at the top. Several: a list, and the shared fields beside it.
void print_json(const Job& job, const JobReport& report, const std::vector<Generation>& generations,
                const Tokenizer* tokenizer) {
  nlohmann::ordered_json document;
  if (generations.size() == 1) {
    document = to_json(generations.front(), tokenizer);
  } else {
    for (const Generation& generation : generations) document["results"].push_back(to_json(generation, tokenizer));
  }
  document["timing"]["load_s"] = job.load_s;
  document.update(job.json(report));
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

// What a person wants to know afterwards; on stderr, so that stdout is the text alone.
void print_summary(const Job& job, const JobReport& report, const std::vector<Generation>& generations) {
  const Generation& first = generations.front();
  fmt::print(stderr,
             "{} tokens, first after {:.1f} ms, then {:.1f} tokens/s; {} all-reduces, {:.0f} per layer and pass\n",
             first.ids.size(), first.ttft_ms, first.tpot_ms > 0 ? 1000 / first.tpot_ms : 0.0,
             report.comm[CommOp::kAllReduce].calls, job.plan.tp > 1 ? report.reductions_per_layer : 0.0);
}

// About, before there is a tokenizer: four letters make a token of English.
int64_t longest_prompt(const RunOptions& options) {
  auto tokens = static_cast<int64_t>(std::ranges::count(options.prompt_ids, ',')) + 1;
  for (const std::string& prompt : options.prompts) {
    tokens = std::max(tokens, static_cast<int64_t>(prompt.size() / 4));
  }
  return tokens;
}

Status complete(Job& job, const RunOptions& options) {
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::vector<int32_t>> prompts;
  Result<std::unique_ptr<Tokenizer>> loaded = Tokenizer::load(job.dir);
  if (loaded.ok()) {
    tokenizer = std::move(loaded).value();
  } else if (!options.prompts.empty() || !options.params.stop.empty()) {
    return loaded.error();  // ids in, ids out needs no tokenizer
  }
  if (options.prompts.empty()) {
    KERF_TRY(prompts.emplace_back(), parse_ids(options.prompt_ids));
  }
  for (const std::string& prompt : options.prompts) prompts.push_back(tokenizer->encode(prompt));

  const bool stream = !options.model.json && prompts.size() == 1;
  KERF_TRY(const std::vector<Generation> generations,
           generate(job.engine, tokenizer.get(), prompts, options.params, [&](size_t, std::string_view text) {
             if (!stream) return;
             fmt::print("{}", text);
             std::fflush(stdout);
           }));
  const JobReport report = job.finish();
  if (options.model.json) {
    print_json(job, report, generations, tokenizer.get());
  } else {
    for (const Generation& generation : generations) fmt::print("{}\n", stream ? "" : generation.text);
    print_summary(job, report, generations);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return fail("cannot write to standard output");
  return Ok{};
}

}  // namespace

void add_run(CLI::App& app, const std::vector<std::string>& args, int& status) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Continue prompts, or chat");
  command->footer(
      "Example:\n  kerf run kerf-tales-7m -p \"Once upon a time\" --tp 2 --pp 2 --max-tokens 64\n"
      "Without -p or --prompt-ids: a chat; each line of standard input is a turn.");
  add_model_options(*command, options->model);
  SamplingParams& params = options->params;
  auto* prompts = command->add_option("-p,--prompt", options->prompts, "text to continue; may be given several times")
                      ->take_all()
                      ->expected(1, CLI::detail::expected_max_vector_size)
                      ->allow_extra_args(false);
  auto* ids = command->add_option("--prompt-ids", options->prompt_ids, "token ids to continue, as they are: 1,2,3");
  ids->excludes(prompts);
  command->add_option("--system", options->system, "system message of a chat");
  command->add_option("--max-tokens", params.max_tokens, "most tokens to generate")->capture_default_str();
  command->add_option("--temperature", params.temperature, "0 = greedy")->capture_default_str();
  command->add_option("--top-k", params.top_k, "the k likeliest tokens only; 0 = all")->capture_default_str();
  command->add_option("--top-p", params.top_p, "the likeliest tokens that together have this probability")
      ->capture_default_str();
  command->add_option("--min-p", params.min_p, "tokens at least this likely, relative to the likeliest")
      ->capture_default_str();
  command->add_option("--repetition-penalty", params.repetition_penalty, "of tokens in prompt or output; 1 = none")
      ->capture_default_str();
  command->add_option("--frequency-penalty", params.frequency_penalty, "per occurrence in the output; 0 = none")
      ->capture_default_str();
  command->add_option("--presence-penalty", params.presence_penalty, "for occurring in the output; 0 = none")
      ->capture_default_str();
  command->add_option("--seed", params.seed, "of sampling; the same seed gives the same text")->capture_default_str();
  command->add_option("--stop", params.stop, "text that ends the output; may be given several times")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--logprobs", params.logprobs, "report log-probabilities, and this many alternatives")
      ->check(CLI::Range(0, kMaxLogprobs));
  command->add_flag("--ignore-eos", params.ignore_eos, "do not stop at an end-of-sequence token");
  command->add_option("--min-tokens", params.min_tokens, "no end-of-sequence token before so many tokens")
      ->capture_default_str();
  add_guidance_options(*command, options->guidance);
  command->callback([options, prompts, ids, &args, &status] {
    const Status guided = apply_guidance(options->guidance, options->params);
    const Status valid = guided.ok() ? options->params.validate() : guided;
    if (!valid.ok()) {
      complain(valid.error());
      status = 2;
      return;
    }
    const bool chat = prompts->empty() && ids->empty();
    if (chat && options->model.json) {
      complain(fail("--json needs a prompt: give -p or --prompt-ids"));
      status = 2;
      return;
    }
    const auto sequences = static_cast<int64_t>(options->prompts.size());
    JobShape shape{.sequences = std::max<int64_t>(1, sequences), .reads_stdin = chat};
    shape.prompt_tokens = longest_prompt(*options);
    shape.output_tokens = options->params.max_tokens;
    status = run_job(options->model, shape, args, [&](Job& job) {
      return chat ? run_chat(job, options->params, options->system) : complete(job, *options);
    });
  });
}

}  // namespace kerf
