// nvidia.github.io/TensorRT-LLM: commands/trtllm-serve, and its multi-node section.
#include <fmt/format.h>

#include "kerf/planner/launch/command.h"

namespace kerf {

Result<std::string> launch_trtllm(const LaunchRequest& request, const MachineSpec& machine) {
  const Plan& plan = request.plan;
  const bool shared = shares_experts(plan);
  if (plan.sp) return fail("trtllm-serve has no switch for sequence parallelism: plan with --engine trtllm");
  if (shared && plan.tp > 1) {
    return fail(
        "TensorRT-LLM's attention data parallelism leaves no tensor parallelism in attention (tp is {}): plan with "
        "--engine trtllm",
        plan.tp);
  }
  const std::vector<Instance> servers = instances(request, machine, shared);
  std::string text = checkpoint_comment(request);
  if (request.quantization == "fp8") {
    text +=
        fmt::format("# {} is to be an fp8 checkpoint: trtllm-serve does not quantise while loading.\n", request.model);
  }
  if (!layer_partition(request).empty()) {
    text += fmt::format("# The plan's layers per stage are {}; trtllm-serve divides them by itself.\n",
                        layer_partition(request));
  }
  if (servers.size() > 1) text += fmt::format("# {} servers; put a load balancer in front of them.\n", servers.size());
  for (size_t i = 0; i < servers.size(); ++i) {
    const Instance& one = servers[i];
    if (i == kMostListed) {
      text += fmt::format("# … and {} more on the next devices in the same way.\n", servers.size() - i);
      break;
    }
    const bool many = one.nodes.size() > 1;
    Command command;
    if (many || servers.size() > 1) text += fmt::format("# on {}:\n", node_name(machine, one.nodes.front().node));
    if (many) {
      std::string hosts;
      size_t ranks = 0;
      for (const NodeShare& share : one.nodes) {
        hosts += fmt::format("{}{}:{}", hosts.empty() ? "" : ",", node_name(machine, share.node), share.local.size());
        ranks += share.local.size();
      }
      if (one.even()) {
        text += fmt::format(
            "# (under Slurm: srun -N {} --ntasks {} --ntasks-per-node {} --mpi=pmix in place of mpirun …)\n",
            one.nodes.size(), ranks, one.nodes.front().local.size());
      }
      command.word("mpirun").flag("-np", ranks).flag("-H", hosts).word("trtllm-llmapi-launch");
    } else if (const std::string visible = visible_devices(one.nodes.front(), machine); !visible.empty()) {
      command.env("CUDA_VISIBLE_DEVICES", visible);
    }
    command.word("trtllm-serve").word(request.model).flag("--backend", "pytorch");
    command.flag("--tp_size", shared ? plan.dp : plan.tp).flag("--pp_size", plan.pp);
    if (plan.ep > 1) command.flag("--ep_size", plan.ep);
    if (shared) command.flag("--enable_attention_dp");
    if (many && one.even()) command.flag("--gpus_per_node", one.nodes.front().local.size());
    command.flag("--max_batch_size", request.max_num_seqs)
        .flag("--max_num_tokens", request.max_num_batched_tokens)
        .flag("--max_seq_len", request.max_model_len)
        .flag("--kv_cache_free_gpu_memory_fraction", request.memory_utilization)
        .flag("--host", "0.0.0.0")
        .flag("--port", 8000 + static_cast<int>(i));
    text += command.text();
  }
  return text;
}

}  // namespace kerf
