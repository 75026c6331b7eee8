#include "kerf/planner/launch/command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "kerf/planner/shell_words.h"

namespace kerf {

namespace {
constexpr size_t kColumns = 100;
}

Command& Command::env(std::string_view name, std::string_view value) {
  parts_.push_back(fmt::format("{}={}", name, shell_quote(value)));
  return *this;
}

Command& Command::word(std::string_view word) {
  parts_.push_back(shell_quote(word));
  return *this;
}

Command& Command::flag(std::string_view name) { return word(name); }

Command& Command::pair(std::string_view name, std::string_view value) { return raw_flag(name, shell_quote(value)); }

Command& Command::raw_flag(std::string_view name, std::string_view shell_text) {
  parts_.push_back(fmt::format("{} {}", name, shell_text));
  return *this;
}

std::string Command::text() const {
  std::string text;
  size_t column = 0;
  for (const std::string& part : parts_) {
    const bool breaks = part.starts_with("-") && column + part.size() > kColumns;
    if (breaks) {
      text += " \\\n    ";
      column = 4;
    } else if (!text.empty()) {
      text += " ";
      ++column;
    }
    text += part;
    column += part.size();
  }
  return text + "\n";
}

bool Instance::even() const {
  return std::ranges::all_of(nodes,
                             [&](const NodeShare& share) { return share.local.size() == nodes.front().local.size(); });
}

std::vector<Instance> instances(const LaunchRequest& request, const MachineSpec& machine, bool together) {
  std::vector<int> first(static_cast<size_t>(machine.num_nodes()), machine.num_devices());
  for (int device = 0; device < machine.num_devices(); ++device) {
    int& of_node = first[static_cast<size_t>(machine.devices[static_cast<size_t>(device)].node)];
    of_node = std::min(of_node, device);
  }
  const auto ranks = static_cast<size_t>(request.plan.ranks()) * (together ? static_cast<size_t>(request.plan.dp) : 1);
  std::vector<Instance> all;
  for (size_t rank = 0; rank < request.devices.size(); ++rank) {
    if (rank % ranks == 0) all.emplace_back();
    std::vector<NodeShare>& nodes = all.back().nodes;
    const int device = request.devices[rank];
    const int node = machine.devices[static_cast<size_t>(device)].node;
    if (nodes.empty() || nodes.back().node != node) nodes.push_back({.node = node, .local = {}});
    nodes.back().local.push_back(device - first[static_cast<size_t>(node)]);
  }
  return all;
}

std::string visible_devices(const NodeShare& share, const MachineSpec& machine) {
  const auto on_node = std::ranges::count(machine.devices, share.node, &Device::node);
  bool in_order = true;
  for (size_t i = 0; i < share.local.size(); ++i) in_order = in_order && share.local[i] == static_cast<int>(i);
  if (in_order && static_cast<std::ptrdiff_t>(share.local.size()) == on_node) return "";
  return fmt::format("{}", fmt::join(share.local, ","));
}

std::string_view node_name(const MachineSpec& machine, int node) {
  return machine.node_names[static_cast<size_t>(node)];
}

bool shares_experts(const Plan& plan) { return plan.ep > 1 && plan.dp > 1; }

std::string layer_partition(const LaunchRequest& request) {
  const Plan& plan = request.plan;
  // Engines spread a remainder each in their own way (sglang#9798: 94 layers on 8 became 7 x 11 + 17), so it is stated.
  const bool uneven = request.num_layers % plan.pp != 0;
  if (plan.pp == 1 || (plan.pp_layers.empty() && !uneven)) return "";
  std::vector<int64_t> layers = plan.pp_layers;
  for (int stage = 0; plan.pp_layers.empty() && stage < plan.pp; ++stage) {
    layers.push_back(request.num_layers / plan.pp + (stage < request.num_layers % plan.pp ? 1 : 0));
  }
  return fmt::format("{}", fmt::join(layers, ","));
}

std::string online_quantization(const LaunchRequest& request) { return request.quantization == "fp8" ? "fp8" : ""; }

std::string checkpoint_comment(const LaunchRequest& request) {
  const std::string& name = request.quantization;
  if (name.empty() || name == "none" || name == "fp8" || name == "bf16" || name == "fp16") return "";
  return fmt::format("# {} is to be a checkpoint that is stored as {}: the engine reads that from its config.\n",
                     request.model, name);
}

}  // namespace kerf
