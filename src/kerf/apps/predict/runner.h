// Runner: what runs requests and tells the time: kerf's engine, or a prediction of it (replay.h). Whatever is measured
// of the one can so be predicted by the other.
#pragma once

#include <cstdint>
#include <vector>

#include "kerf/apps/predict/comm_seconds.h"
#include "kerf/engine/scheduler.h"

namespace kerf {

class Runner {
 public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  virtual ~Runner() = default;

  virtual Status add(Request request) = 0;
  virtual bool end(RequestId request) = 0;
  [[nodiscard]] virtual bool idle() const = 0;
  virtual std::vector<SequenceUpdate> step() = 0;  // Engine::step
  [[nodiscard]] virtual double now_s() const = 0;
  [[nodiscard]] virtual CommSeconds comm() const = 0;  // since the start
};

// One measurement, all sequences together.
struct RunFigures {
  int64_t tokens = 0;
  int64_t steps = 0;
  double seconds = 0;
  CommSeconds comm;
  [[nodiscard]] double comm_fraction() const { return seconds > 0 ? comm.total() / seconds : 0; }
  [[nodiscard]] double tokens_per_s() const { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0; }
};

// `batch` prompts of `prompt` tokens each, until all have their first token.
[[nodiscard]] Result<RunFigures> run_prefill(Runner& runner, int64_t batch, int64_t prompt, int64_t vocab_size);

// `batch` sequences that have `depth` tokens in their caches each generate `tokens` more on average. Counted from when
// the last of them has its first token.
[[nodiscard]] Result<RunFigures> run_decode(Runner& runner, int64_t batch, int64_t depth, int64_t tokens,
                                            int64_t vocab_size);

// Tokens that a sequence of run_decode may hold in all.
[[nodiscard]] int64_t decode_length(int64_t batch, int64_t depth, int64_t tokens);

}  // namespace kerf
