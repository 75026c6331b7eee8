// docs.sglang.io: server_arguments, dp_dpa_smg_guide, multi-node deployment. Short --pp is refused as ambiguous, so
// every flag is written out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kerf/planner/launch/command.h"

namespace kerf {

namespace {

constexpr int kHttpPort = 30000;
constexpr int kInitPort = 20000;

// replicas: inside this server.
Command server(const LaunchRequest& request, const std::string& visible, int replicas) {
  const Plan& plan = request.plan;
  const bool shared = shares_experts(plan);
  Command command;
  if (!visible.empty()) command.env("CUDA_VISIBLE_DEVICES", visible);
  if (const std::string layers = layer_partition(request); !layers.empty()) {
    command.env("SGLANG_PP_LAYER_PARTITION", layers);
  }
  command.word("python3").word("-m").word("sglang.launch_server").flag("--model-path", request.model);
  command.flag("--tp-size", shared ? plan.tp * plan.dp : plan.tp);  // with DP attention: of experts, over all replicas
  if (plan.pp > 1) command.flag("--pp-size", plan.pp);
  if (replicas > 1) command.flag("--dp-size", replicas);
  if (shared) command.flag("--enable-dp-attention");
  if (plan.ep > 1) command.flag("--ep-size", plan.ep);
  if (plan.microbatches > 0) {
    const auto sequences = static_cast<double>(request.max_num_seqs);
    command.flag("--pp-max-micro-batch-size", static_cast<int64_t>(std::ceil(sequences / plan.microbatches)));
  }
  command.flag("--context-length", request.max_model_len)
      .flag("--max-running-requests", request.max_num_seqs * (shared ? replicas : 1))
      .flag("--chunked-prefill-size", request.max_num_batched_tokens)
      .flag("--mem-fraction-static", request.memory_utilization);
  if (const std::string online = online_quantization(request); !online.empty()) {
    command.flag("--quantization", online);
  }
  return command;
}

}  // namespace

Result<std::string> launch_sglang(const LaunchRequest& request, const MachineSpec& machine) {
  const Plan& plan = request.plan;
  if (plan.sp) return fail("SGLang has no switch for sequence parallelism: plan with --engine sglang");
  const bool inside = plan.dp > 1 && plan.pp == 1 && machine.num_nodes() == 1;
  const bool together = shares_experts(plan) || inside;
  const std::vector<Instance> servers = instances(request, machine, together);
  std::string text = checkpoint_comment(request);
  std::string urls;
  for (size_t i = 0; i < servers.size(); ++i) {
    const Instance& one = servers[i];
    const std::string head(node_name(machine, one.nodes.front().node));
    if (!one.even()) {
      return fail(
          "SGLang wants as many devices on every node, which {} devices on {} nodes are not; plan with tp * pp * dp "
          "a multiple of the nodes",
          request.devices.size(), one.nodes.size());
    }
    const auto port = kHttpPort + static_cast<int>(i);
    urls += fmt::format(" http://{}:{}", head, port);
    if (i == kMostListed)
      text += fmt::format("# … and {} more on the next devices in the same way.\n", servers.size() - i);
    if (i >= kMostListed) continue;
    for (size_t rank = 0; rank < one.nodes.size(); ++rank) {
      if (one.nodes.size() > 1 || servers.size() > 1) {
        text += fmt::format("# on {}:\n", node_name(machine, one.nodes[rank].node));
      }
      Command command = server(request, visible_devices(one.nodes[rank], machine), together ? plan.dp : 1);
      if (one.nodes.size() > 1) {
        command.flag("--nnodes", one.nodes.size())
            .flag("--node-rank", rank)
            .flag("--dist-init-addr", fmt::format("{}:{}", head, kInitPort + static_cast<int>(i)));
      }
      if (rank == 0) command.flag("--host", "0.0.0.0").flag("--port", port);
      text += command.text();
    }
  }
  if (servers.size() > 1) {
    text += fmt::format("# in front of them:\npython3 -m sglang_router.launch_router --worker-urls{}\n", urls);
  }
  return text;
}

}  // namespace kerf
