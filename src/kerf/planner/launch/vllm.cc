// docs.vllm.ai: serving/parallelism_scaling, serving/data_parallel_deployment.
#include <fmt/format.h>

#include <algorithm>

#include "kerf/planner/launch/command.h"

namespace kerf {

namespace {

constexpr int kRpcPort = 13345;
constexpr int kMasterPort = 29501;
constexpr int kHttpPort = 8000;

class Vllm {
 public:
  Vllm(const LaunchRequest& request, const MachineSpec& machine) : request_(request), machine_(machine) {}

  std::string text() {
    const Plan& plan = request_.plan;
    std::string text = checkpoint_comment(request_);
    if (plan.microbatches > 0)
      text += "# vLLM keeps one batch per stage in flight; it cannot be told another number.\n";
    const std::vector<Instance> replicas = instances(request_, machine_, false);
    const bool spans = std::ranges::any_of(replicas, [](const Instance& r) { return r.nodes.size() > 1; });
    // Without --enable-expert-parallel, vLLM cuts the experts of all replicas together: independent ones are servers
    // of their own.
    const bool one_server = plan.dp > 1 && (!request_.is_moe || shares_experts(plan));
    if (one_server && !spans) return text + data_parallel(replicas);
    if (one_server && shares_experts(plan)) return text + spanning_replicas(replicas);
    return text + separate(replicas);
  }

 private:
  Command serve(const std::string& visible) const {
    const Plan& plan = request_.plan;
    Command command;
    if (!visible.empty()) command.env("CUDA_VISIBLE_DEVICES", visible);
    if (const std::string layers = layer_partition(request_); !layers.empty()) {
      command.env("VLLM_PP_LAYER_PARTITION", layers);
    }
    command.word("vllm").word("serve").word(request_.model);
    command.flag("--tensor-parallel-size", plan.tp);
    if (plan.pp > 1) command.flag("--pipeline-parallel-size", plan.pp);
    if (plan.ep > 1) command.flag("--enable-expert-parallel");
    return command;
  }

  void limits(Command& command) const {
    command.flag("--max-model-len", request_.max_model_len)
        .flag("--max-num-seqs", request_.max_num_seqs)
        .flag("--max-num-batched-tokens", request_.max_num_batched_tokens)
        .flag("--gpu-memory-utilization", request_.memory_utilization);
    if (const std::string online = online_quantization(request_); !online.empty()) {
      command.flag("--quantization", online);
    }
    if (request_.plan.sp) command.flag("--compilation-config", R"({"pass_config": {"enable_sp": true}})");
  }

  // One server whose replicas lie inside nodes.
  std::string data_parallel(const std::vector<Instance>& replicas) const {
    struct OnNode {
      int node;
      int first;  // replica
      NodeShare share;
      int count;
    };
    std::vector<OnNode> nodes;
    for (size_t i = 0; i < replicas.size(); ++i) {
      const NodeShare& share = replicas[i].nodes.front();
      if (nodes.empty() || nodes.back().node != share.node) {
        nodes.push_back(
            {.node = share.node, .first = static_cast<int>(i), .share = {.node = share.node, .local = {}}, .count = 0});
      }
      nodes.back().share.local.insert(nodes.back().share.local.end(), share.local.begin(), share.local.end());
      ++nodes.back().count;
    }
    const auto command_on = [&](const OnNode& node) {
      Command command = serve(visible_devices(node.share, machine_));
      command.flag("--data-parallel-size", request_.plan.dp);
      if (nodes.size() > 1) {
        command.flag("--data-parallel-size-local", node.count)
            .flag("--data-parallel-address", node_name(machine_, nodes.front().node))
            .flag("--data-parallel-rpc-port", kRpcPort);
      }
      return command;
    };
    std::string text;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (nodes.size() > kMostListed && i > 0 && i + 1 < nodes.size()) {
        if (i > 1) continue;
        text += fmt::format("# on every further node but the last, with NODE=1 … {}:\n", nodes.size() - 2);
        Command command = command_on(nodes[i]);
        command.flag("--headless")
            .raw_flag("--data-parallel-start-rank", fmt::format("$(({} * NODE))", nodes[i].count));
        limits(command);
        text += command.text();
        continue;
      }
      if (nodes.size() > 1) text += fmt::format("# on {}:\n", node_name(machine_, nodes[i].node));
      Command command = command_on(nodes[i]);
      if (i > 0) command.flag("--headless").flag("--data-parallel-start-rank", nodes[i].first);
      limits(command);
      text += command.text();
    }
    return text;
  }

  // Experts over replicas that are larger than a node: Ray places them.
  std::string spanning_replicas(const std::vector<Instance>& replicas) const {
    const std::string_view head = node_name(machine_, replicas.front().nodes.front().node);
    std::string text = ray_cluster(head);
    Command command;
    command.env("VLLM_RAY_DP_PACK_STRATEGY", "span");
    Command rest = serve("");
    rest.flag("--data-parallel-size", request_.plan.dp).flag("--data-parallel-backend", "ray");
    limits(rest);
    std::string line = command.text();
    line.back() = ' ';
    return text + line + rest.text();
  }

  static std::string ray_cluster(std::string_view head) {
    return fmt::format(
        "# on {0}:\nray start --head --port=6379\n# on every other node:\nray start --address={0}:6379\n# then on "
        "{0}:\n",
        head);
  }

  // A server per replica.
  std::string separate(const std::vector<Instance>& replicas) const {
    std::string text;
    if (replicas.size() > 1) {
      text += fmt::format("# {} servers; put a load balancer in front of them.\n", replicas.size());
    }
    for (size_t i = 0; i < replicas.size(); ++i) {
      if (i == kMostListed) {
        text += fmt::format("# … and {} more on the next devices in the same way.\n", replicas.size() - i);
        break;
      }
      text += server(replicas[i], kHttpPort + static_cast<int>(replicas.size() > 1 ? i : 0), replicas.size() > 1);
    }
    return text;
  }

  std::string server(const Instance& replica, int port, bool says_port) const {
    const std::string_view head = node_name(machine_, replica.nodes.front().node);
    const auto finish = [&](Command& command) {
      limits(command);
      if (says_port) command.flag("--port", port);
      return command.text();
    };
    const std::string where = says_port || replica.nodes.size() > 1 ? fmt::format("# on {}:\n", head) : "";
    if (replica.nodes.size() == 1) {
      Command command = serve(visible_devices(replica.nodes.front(), machine_));
      return where + finish(command);
    }
    if (!replica.even()) {
      // vLLM's own multiprocessing wants as many workers on each node; Ray takes what there is.
      Command command = serve("");
      command.flag("--distributed-executor-backend", "ray");
      return ray_cluster(head) + finish(command);
    }
    std::string text;
    for (size_t rank = 0; rank < replica.nodes.size(); ++rank) {
      text += fmt::format("# on {}:\n", node_name(machine_, replica.nodes[rank].node));
      Command command = serve(visible_devices(replica.nodes[rank], machine_));
      command.flag("--distributed-executor-backend", "mp")
          .flag("--nnodes", replica.nodes.size())
          .flag("--node-rank", rank)
          .flag("--master-addr", head)
          .flag("--master-port", kMasterPort);
      if (rank > 0) command.flag("--headless");
      text += finish(command);
    }
    return text;
  }

  const LaunchRequest& request_;
  const MachineSpec& machine_;
};

}  // namespace

Result<std::string> launch_vllm(const LaunchRequest& request, const MachineSpec& machine) {
  return Vllm(request, machine).text();
}

}  // namespace kerf
