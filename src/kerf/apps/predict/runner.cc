#include "kerf/apps/predict/runner.h"

#include <algorithm>

namespace kerf {

namespace {

// Any ids do; spread over the vocabulary, as text's are, so that the embedding's rows are not all in one cache.
std::vector<int32_t> some_ids(int64_t count, int64_t vocab_size, int64_t seed) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>((i * 7919 + seed * 104729 + 11) % vocab_size));
  return ids;
}

Status add_requests(Runner& runner, int64_t batch, int64_t prompt, int64_t max_tokens, int64_t vocab_size) {
  for (int64_t i = 0; i < batch; ++i) {
    KERF_TRY_STATUS(runner.add({.id = i,
                                .prompt_ids = some_ids(prompt, vocab_size, i),
                                .params = {.temperature = 0, .max_tokens = max_tokens, .ignore_eos = true}}));
  }
  return Ok{};
}

Status check(const std::vector<SequenceUpdate>& updates) {
  for (const SequenceUpdate& update : updates) {
    if (update.finish == FinishReason::kError) return Error{update.error};
  }
  return Ok{};
}

}  // namespace

Result<RunFigures> run_prefill(Runner& runner, int64_t batch, int64_t prompt, int64_t vocab_size) {
  const double start = runner.now_s();
  const CommSeconds comm = runner.comm();
  RunFigures figures{.tokens = batch * prompt};
  KERF_TRY_STATUS(add_requests(runner, batch, prompt, 1, vocab_size));
  while (!runner.idle()) {
    KERF_TRY_STATUS(check(runner.step()));
    ++figures.steps;
  }
  figures.seconds = runner.now_s() - start;
  figures.comm = runner.comm().since(comm);
  return figures;
}

// Sequences whose prompts are done first have generated some tokens when the last prompt is: at most one for each
// step that a prompt's chunk of at least 64 tokens is in.
int64_t decode_length(int64_t batch, int64_t depth, int64_t tokens) { return depth + tokens + batch * depth / 64 + 64; }

Result<RunFigures> run_decode(Runner& runner, int64_t batch, int64_t depth, int64_t tokens, int64_t vocab_size) {
  const int64_t most = decode_length(batch, depth, tokens) - depth;
  KERF_TRY_STATUS(add_requests(runner, batch, depth, most, vocab_size));
  std::vector<bool> begun(static_cast<size_t>(batch));
  RunFigures figures;
  double start = 0;
  CommSeconds comm;
  bool counting = false;
  while (!runner.idle()) {
    const std::vector<SequenceUpdate> updates = runner.step();
    KERF_TRY_STATUS(check(updates));
    if (counting && figures.tokens < batch * tokens) {
      ++figures.steps;
      for (const SequenceUpdate& update : updates) figures.tokens += update.token ? 1 : 0;
      figures.seconds = runner.now_s() - start;
      figures.comm = runner.comm().since(comm);
      if (figures.tokens >= batch * tokens) {
        for (int64_t i = 0; i < batch; ++i) runner.end(i);
      }
      continue;
    }
    for (const SequenceUpdate& update : updates) begun[static_cast<size_t>(update.request)] = true;
    if (!counting && std::ranges::find(begun, false) == begun.end()) {
      counting = true;
      start = runner.now_s();
      comm = runner.comm();
    }
  }
  return figures;
}

}  // namespace kerf
