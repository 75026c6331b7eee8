// kerf score: the log-probabilities that a model gives a text, and the digest of its logits.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "kerf/apps/commands.h"
#include "kerf/apps/job.h"
#include "kerf/apps/output_file.h"
#include "kerf/apps/sha256.h"
#include "kerf/base/progress.h"
#include "kerf/engine/softmax.h"
#include "kerf/io/tokenizer/tokenizer.h"

namespace kerf {

namespace {

struct ScoreOptions {
  ModelOptions model;
  std::string file;
  std::string prompt_ids;
  std::string logits_out;
};

// Rows of logits that are returned at once: bounds the memory of a large vocabulary.
constexpr int64_t kMaxRows = 128;

struct Score {
  std::vector<int32_t> ids;
  std::vector<std::optional<double>> logprobs;  // of ids[i] after those before it; none where nothing is before
  double nll = 0;                               // mean of the negated log-probabilities, nats per token
  std::string logits_sha256;
};

Result<std::vector<int32_t>> read_ids(const ScoreOptions& options, const std::filesystem::path& dir) {
  if (options.file.empty()) return parse_ids(options.prompt_ids);
  std::ifstream in(options.file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.good()) return fail("{}: cannot be read", options.file);
  KERF_TRY(const auto tokenizer, Tokenizer::load(dir));
  return tokenizer->encode(text);
}

// Scores windows of max_model_len tokens one after the other; nothing is carried over from one to the next.
Result<Score> score(Job& job, std::vector<int32_t> ids, OutputFile* logits_out) {
  Score result{.ids = std::move(ids)};
  Sha256 digest;
  Progress progress("scoring", static_cast<int64_t>(result.ids.size()), 1, "tokens", stderr_is_terminal());
  const auto vocab = static_cast<size_t>(job.model.vocab_size);
  double sum = 0;
  size_t scored = 0;
  for (size_t begin = 0; begin < result.ids.size(); begin += static_cast<size_t>(job.max_model_len)) {
    const size_t end = std::min(result.ids.size(), begin + static_cast<size_t>(job.max_model_len));
    const auto at = [&](size_t i) { return result.ids.begin() + static_cast<std::ptrdiff_t>(i); };
    KERF_TRY_STATUS(
        job.engine.add({.id = static_cast<RequestId>(begin), .prompt_ids = {at(begin), at(end)}, .score = true}));
    result.logprobs.emplace_back(std::nullopt);
    while (!job.engine.idle()) {
      for (const SequenceUpdate& update : job.engine.step()) {
        digest.update(update.logits.data(), update.logits.size() * sizeof(float));
        if (logits_out != nullptr) {
          KERF_TRY_STATUS(logits_out->write(update.logits.data(), update.logits.size() * sizeof(float)));
        }
        for (size_t row = 0; row < update.logits.size() / vocab; ++row) {
          const size_t next = begin + static_cast<size_t>(update.position) + row + 1;
          if (next == end) continue;
          const std::span<const float> logits(update.logits.data() + row * vocab, vocab);
          if (!scan(logits).finite) {
            return fail("the logits after token {} are not finite numbers; try --dtype float32", next - 1);
          }
          const double logprob = log_softmax_at(logits, result.ids[next]);
          result.logprobs.emplace_back(logprob);
          sum -= logprob;
          ++scored;
        }
      }
      progress.update(static_cast<int64_t>(result.logprobs.size()));
    }
  }
  result.nll = scored == 0 ? 0 : sum / static_cast<double>(scored);
  result.logits_sha256 = digest.hex();
  return result;
}

Status run_score(Job& job, const ScoreOptions& options) {
  KERF_TRY(std::vector<int32_t> ids, read_ids(options, job.dir));
  if (ids.empty()) return fail("nothing to score: the text has no tokens");
  std::optional<OutputFile> out;
  if (!options.logits_out.empty()) {
    KERF_TRY(out, OutputFile::create(options.logits_out));
  }
  KERF_TRY(const Score result, score(job, std::move(ids), out ? &*out : nullptr));
  if (out) {
    KERF_TRY_STATUS(out->commit());
  }
  const JobReport report = job.finish();
  if (options.model.json) {
    nlohmann::ordered_json document;
    document["ids"] = result.ids;
    for (const std::optional<double>& logprob : result.logprobs) {
      document["logprobs"].push_back(logprob ? nlohmann::ordered_json(*logprob) : nlohmann::ordered_json());
    }
    document["nll"] = result.nll;
    document["perplexity"] = std::exp(result.nll);
    document["logits_sha256"] = result.logits_sha256;
    document["timing"]["load_s"] = job.load_s;
    document.update(job.json(report));
    fmt::print("{}\n", document.dump(2));
  } else {
    fmt::print("tokens      {}\nnll         {:.6f} nats per token\nperplexity  {:.4f}\nlogits      sha256 {}\n",
               result.ids.size(), result.nll, std::exp(result.nll), result.logits_sha256);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return fail("cannot write to standard output");
  return Ok{};
}

}  // namespace

void add_score(CLI::App& app, const std::vector<std::string>& args, int& status) {
  auto options = std::make_shared<ScoreOptions>();
  CLI::App* command = app.add_subcommand("score", "Log-probabilities and perplexity of a text, digest of all logits");
  command->footer(
      "Example:\n  kerf score kerf-tales-7m --file story.txt --tp 2 --json\n"
      "logits_sha256 is over all positions' float32 logits, row-major, little-endian: equal under every cut.\n"
      "A text longer than --max-model-len is scored in windows of that length, each on its own.");
  add_model_options(*command, options->model);
  auto* file = command->add_option("--file", options->file, "text to score")->check(CLI::ExistingFile);
  auto* ids = command->add_option("--prompt-ids", options->prompt_ids, "token ids to score, as they are: 1,2,3");
  command->add_option("--logits-out", options->logits_out, "write all logits there: float32, [tokens, vocabulary]");
  file->excludes(ids);
  command->callback([options, file, ids, &args, &status] {
    if (file->empty() && ids->empty()) {
      complain(fail("nothing to score: give --file or --prompt-ids"));
      status = 2;
      return;
    }
    JobShape shape{.max_logit_rows = std::min(kMaxRows, options->model.max_num_batched_tokens)};
    shape.output_tokens = 0;
    status = run_job(options->model, shape, args, [&](Job& job) { return run_score(job, *options); });
  });
}

}  // namespace kerf
