// Launch commands: a plan as command lines of an engine, for every node. Flags as documented in the autumn of 2026:
// vLLM 0.2x, SGLang 0.5, TensorRT-LLM 1.x. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"
#include "kerf/spec/plan.h"

namespace kerf {

struct LaunchRequest {
  std::string model;  // as the engine is to load it: directory or Hugging Face name
  bool is_moe = false;
  int64_t num_layers = 0;
  std::string quantization;  // as given to kerf, empty = the checkpoint's own
  Plan plan;
  std::vector<int> devices;   // of every rank, as Placer::place() says
  int64_t max_model_len = 0;  // tokens of the longest sequence
  int64_t max_num_seqs = 0;   // of one replica
  int64_t max_num_batched_tokens = 0;
  double memory_utilization = 0.9;
};

// A request for plan on machine: prompts of isl and osl tokens, rounded up to whole 1,024s within the model's limit.
[[nodiscard]] int64_t max_model_len(const ModelShape& model, double isl, double osl);

// Shell text with a comment where something is to be known. engine: "kerf", "vllm", "sglang", "trtllm". Fails, with one
// sentence, when the engine cannot run the plan.
[[nodiscard]] Result<std::string> launch_commands(std::string_view engine, const LaunchRequest& request,
                                                  const MachineSpec& machine);

}  // namespace kerf
