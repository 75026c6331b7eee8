#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "kerf/planner/launch/command.h"

namespace kerf {

Result<std::string> launch_kerf(const LaunchRequest& request, const MachineSpec& machine) {
  const Plan& plan = request.plan;
  if (request.is_moe)
    return fail("kerf does not run mixtures of experts yet: plan with --engine vllm, sglang or trtllm");
  Command command;
  command.word("kerf").word(plan.dp > 1 ? "serve" : "run").word(request.model);
  if (plan.tp > 1) command.flag("--tensor-parallel-size", plan.tp);
  if (plan.pp > 1) command.flag("--pipeline-parallel-size", plan.pp);
  if (plan.dp > 1) command.flag("--data-parallel-size", plan.dp);
  if (plan.sp) command.flag("--sequence-parallel");
  if (!plan.pp_layers.empty()) command.flag("--pp-layers", fmt::format("{}", fmt::join(plan.pp_layers, ",")));
  if (!plan.tp_weights.empty()) {
    std::string weights;
    for (const double weight : plan.tp_weights) weights += fmt::format("{}{:.3g}", weights.empty() ? "" : ",", weight);
    command.flag("--tp-weights", weights);
  }
  std::map<int, int> slots;
  for (const int device : request.devices) ++slots[machine.devices[static_cast<size_t>(device)].node];
  if (slots.size() > 1) {
    std::string hosts;
    for (const auto& [node, count] : slots) {
      hosts += fmt::format("{}{}:{}", hosts.empty() ? "" : ",", node_name(machine, node), count);
    }
    command.flag("--hosts", hosts);
  }
  if (!request.quantization.empty()) command.flag("--quantization", request.quantization);
  command.flag("--max-model-len", request.max_model_len)
      .flag("--max-num-batched-tokens", request.max_num_batched_tokens);
  if (plan.dp > 1) command.flag("--max-num-seqs", request.max_num_seqs);
  return command.text();
}

}  // namespace kerf
