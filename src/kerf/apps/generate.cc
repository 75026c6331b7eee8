#include "kerf/apps/generate.h"

#include <chrono>
#include <memory>
#include <utility>

#include "kerf/engine/stop_strings.h"
#include "kerf/io/tokenizer/detokenizer.h"

namespace kerf {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

// One request's way from ids to shown text.
struct Stream {
  Stream(const Tokenizer* tokenizer, const std::vector<int32_t>& prompt, const SamplingParams& params)
      : stops(params.stop) {
    generation.prompt_ids = prompt;
    if (tokenizer == nullptr) return;
    detokenizer.emplace(*tokenizer, true);
    for (const int32_t id : prompt) detokenizer->push(id);  // so that the continuation is spaced rightly
  }

  void show(const std::string& text, const ShowText& shower, size_t index) {
    generation.text += text;
    if (shower && !text.empty()) shower(index, text);
  }

  Generation generation;
  std::optional<Detokenizer> detokenizer;
  StopStrings stops;
  Clock::time_point first, last;
};

}  // namespace

Result<std::vector<Generation>> generate(Engine& engine, const Tokenizer* tokenizer,
                                         const std::vector<std::vector<int32_t>>& prompts, const SamplingParams& params,
                                         const ShowText& show) {
  std::vector<std::unique_ptr<Stream>> streams;
  const Clock::time_point start = Clock::now();
  for (const std::vector<int32_t>& prompt : prompts) {
    KERF_TRY_STATUS(engine.add({.id = static_cast<RequestId>(streams.size()), .prompt_ids = prompt, .params = params}));
    streams.push_back(std::make_unique<Stream>(tokenizer, prompt, params));
  }

  std::string error;
  while (!engine.idle()) {
    for (SequenceUpdate& update : engine.step()) {
      const auto index = static_cast<size_t>(update.request);
      Stream& stream = *streams[index];
      if (update.finish == FinishReason::kError) error = update.error;
      if (update.token) {
        stream.last = Clock::now();
        if (stream.generation.ids.empty()) stream.first = stream.last;
        stream.generation.ids.push_back(update.token->token);
        if (params.logprobs >= 0) stream.generation.tokens.push_back(std::move(*update.token));
        if (stream.detokenizer) {
          stream.show(stream.stops.push(stream.detokenizer->push(stream.generation.ids.back())), show, index);
        }
        if (stream.stops.stopped() && !update.finish) {
          engine.end(update.request);
          update.finish = FinishReason::kStop;
        }
      }
      if (update.finish) {
        stream.generation.finish = stream.stops.stopped() ? FinishReason::kStop : *update.finish;
        if (stream.detokenizer && !stream.stops.stopped()) {
          stream.show(stream.stops.push(stream.detokenizer->flush()) + stream.stops.flush(), show, index);
        }
      }
    }
  }
  if (!error.empty()) return Error{error};

  std::vector<Generation> generations;
  for (const auto& stream : streams) {
    Generation& generation = stream->generation;
    const auto steps = static_cast<double>(generation.ids.size()) - 1;
    generation.ttft_ms = milliseconds(stream->first - start);
    generation.tpot_ms = steps > 0 ? milliseconds(stream->last - stream->first) / steps : 0;
    generations.push_back(std::move(generation));
  }
  return generations;
}

}  // namespace kerf
