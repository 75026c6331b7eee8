#include <algorithm>
#include <utility>

#include "kerf/base/check.h"
#include "kerf/engine/scheduler.h"

namespace kerf {
namespace {

bool contains(const std::vector<int32_t>& ids, int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

Status Scheduler::check(const StepOutput& output) const {
  if (in_flight_.empty()) return fail("an output for step {} came, but no step is in flight", output.step);
  const InFlight& expected = in_flight_.front();
  if (output.step != expected.step)
    return fail("an output for step {} came before step {}'s", output.step, expected.step);
  size_t at = 0;
  for (const Part& part : expected.parts) {
    if (part.logits == LogitsWanted::kNone) continue;
    if (at == output.rows.size()) return fail("the output of step {} ends after {} rows", output.step, at);
    const OutputRow& row = output.rows[at++];
    if (row.slot != part.slot)
      return fail("the output of step {} has slot {}, not {}", output.step, row.slot, part.slot);
    if (!row.error.empty()) continue;
    const auto logits = static_cast<int64_t>(row.logits.size());
    const bool fits = part.logits == LogitsWanted::kAll
                          ? logits == part.tokens * config_.vocab_size
                          : row.sampled.token >= 0 && row.sampled.token < config_.vocab_size;
    if (!fits) return fail("the output of step {} for slot {} is malformed", output.step, row.slot);
  }
  if (at != output.rows.size())
    return fail("the output of step {} has {} rows too many", output.step, output.rows.size() - at);
  return Ok{};
}

Result<std::vector<SequenceUpdate>> Scheduler::on_output(StepOutput output) {
  KERF_TRY_STATUS(check(output));
  const InFlight done = std::move(in_flight_.front());
  in_flight_.pop_front();
  prompt_tokens_flying_ -= done.prompt_tokens;
  std::vector<SequenceUpdate> updates;
  updates.reserve(output.rows.size());
  size_t at = 0;
  for (const Part& part : done.parts) {
    if (part.logits == LogitsWanted::kNone) continue;
    OutputRow& row = output.rows[at++];
    Sequence& sequence = *part.sequence;
    if (sequence.state == Sequence::State::kEnded) continue;
    updates.push_back(apply(part, std::move(row), sequence));
    if (updates.back().finish) {
      finish(sequence);
    } else if (sequence.state == Sequence::State::kParked) {
      sequence.state = Sequence::State::kWaiting;
      queue_.push(sequence, sequence.size());
    } else if (part.logits == LogitsWanted::kLast) {
      sequence.state = Sequence::State::kReady;
      ready_.push_back(&sequence);
    }
  }
  return updates;
}

SequenceUpdate Scheduler::apply(const Part& part, OutputRow row, Sequence& sequence) {
  SequenceUpdate update{.request = sequence.request.id, .position = part.first_position};
  update.cached_tokens = sequence.cached_tokens;
  if (!row.error.empty()) {
    update.error = std::move(row.error);
    update.finish = FinishReason::kError;
  } else if (part.logits == LogitsWanted::kAll) {
    update.logits = std::move(row.logits);
    if (part.first_position + part.tokens == sequence.prompt_tokens) update.finish = FinishReason::kLength;
  } else {
    update.position = sequence.size();
    sequence.tokens.push_back(row.sampled.token);
    update.token = std::move(row.sampled);
    update.finish = finish_reason(sequence);
  }
  return update;
}

std::optional<FinishReason> Scheduler::finish_reason(const Sequence& sequence) const {
  const SamplingParams& params = sequence.request.params;
  const int32_t last = sequence.tokens.back();
  const int64_t output = sequence.size() - sequence.prompt_tokens;
  if (!params.ignore_eos && contains(config_.eos_ids, last)) return FinishReason::kStop;
  if (contains(params.stop_token_ids, last)) return FinishReason::kStop;
  if (output >= params.max_tokens || sequence.size() >= config_.max_model_len) return FinishReason::kLength;
  return std::nullopt;
}

}  // namespace kerf
