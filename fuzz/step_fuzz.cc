// Bytes from a peer: either a step, a step output, or a refusal; never a crash, and what is accepted
// is written back as something equal.
#include <cstddef>
#include <cstdint>
#include <span>

#include "kerf/engine/step.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto step = kerf::Step::deserialize(bytes); step.ok()) {
    KERF_CHECK(step->positions().size() == step->tokens.size());
    KERF_CHECK(kerf::Step::deserialize(step->serialize()).value() == *step);
    (void)step->check({.vocab_size = 128, .num_slots = 8, .num_blocks = 64, .block_size = 4, .max_model_len = 100});
  }
  if (const auto output = kerf::StepOutput::deserialize(bytes); output.ok()) {
    KERF_CHECK(kerf::StepOutput::deserialize(output->serialize()).value().rows.size() == output->rows.size());
  }
  return 0;
}
