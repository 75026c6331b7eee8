// Building blocks of launch_commands: a command line to be written, and where an instance of an engine runs.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kerf/planner/launch_commands.h"

namespace kerf {

class Command {
 public:
  Command& env(std::string_view name, std::string_view value);
  Command& word(std::string_view word);
  Command& flag(std::string_view name);
  template <typename T>
  Command& flag(std::string_view name, const T& value) {
    return pair(name, fmt::format("{}", value));
  }
  Command& raw_flag(std::string_view name, std::string_view shell_text);  // not quoted: "$((8 * NODE))"
  // Lines of 100 columns at most, broken before flags, and a newline.
  [[nodiscard]] std::string text() const;

 private:
  Command& pair(std::string_view name, std::string_view value);
  std::vector<std::string> parts_;  // quoted; a flag and its value are one
};

// The devices that one server process group uses on one node, in rank order.
struct NodeShare {
  int node = 0;
  std::vector<int> local;  // indices within the node
};

// A server: one replica, or all of them where they share experts.
struct Instance {
  std::vector<NodeShare> nodes;
  [[nodiscard]] bool even() const;  // as many devices on each node
};

// How the plan's ranks group into servers. together: one server holds all replicas.
[[nodiscard]] std::vector<Instance> instances(const LaunchRequest& request, const MachineSpec& machine, bool together);

// "0,1,2,3", or empty when they are all of the node's devices or the node holds one instance that begins at 0.
[[nodiscard]] std::string visible_devices(const NodeShare& share, const MachineSpec& machine);

[[nodiscard]] std::string_view node_name(const MachineSpec& machine, int node);

// Experts of a layer are spread over several replicas.
[[nodiscard]] bool shares_experts(const Plan& plan);

// "27,27,26" where the engine has to be told, otherwise empty.
[[nodiscard]] std::string layer_partition(const LaunchRequest& request);

// A comment for quantisations that are a property of the checkpoint; empty for the others.
[[nodiscard]] std::string checkpoint_comment(const LaunchRequest& request);
// "fp8" when the engine can quantise by itself while loading.
[[nodiscard]] std::string online_quantization(const LaunchRequest& request);

// More servers or nodes than this are described, not listed.
inline constexpr size_t kMostListed = 16;

[[nodiscard]] Result<std::string> launch_vllm(const LaunchRequest& request, const MachineSpec& machine);
[[nodiscard]] Result<std::string> launch_sglang(const LaunchRequest& request, const MachineSpec& machine);
[[nodiscard]] Result<std::string> launch_trtllm(const LaunchRequest& request, const MachineSpec& machine);
[[nodiscard]] Result<std::string> launch_kerf(const LaunchRequest& request, const MachineSpec& machine);

}  // namespace kerf
