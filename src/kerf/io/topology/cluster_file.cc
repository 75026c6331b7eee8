#include "kerf/io/topology/cluster_file.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "kerf/io/catalog/rows.h"
#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/io/topology/yaml.h"

namespace kerf {

namespace {

constexpr size_t kMaxEntries = 4096;
constexpr IntegerRange kPorts{1, 256};

class Cluster {
 public:
  Cluster(const JsonFields& root, const std::filesystem::path& directory, const ReadNode& read_node)
      : root_(root), directory_(directory), read_node_(read_node) {}

  Result<MachineSpec> read() {
    KERF_TRY_STATUS(list("nodes", [this](const auto& row, const auto& object) { return read_nodes(row, object); }));
    if (builder_.spec.devices.empty()) return root_.wrong("nodes", "a list of nodes");
    if (root_.has("networks")) {
      KERF_TRY_STATUS(
          list("networks", [this](const auto& row, const auto& object) { return read_network(row, object); }));
    }
    KERF_TRY_STATUS(check_joined());
    KERF_TRY(builder_.spec.name, root_.string("name", "cluster"));
    return std::move(builder_).finish();
  }

 private:
  Status list(const char* name, const std::function<Status(const JsonFields&, const nlohmann::json&)>& read) {
    const nlohmann::json* rows = root_.find(name);
    if (rows == nullptr || !rows->is_array() || rows->size() > kMaxEntries) {
      return root_.wrong(name, fmt::format("a list of at most {} entries", kMaxEntries));
    }
    for (size_t i = 0; i < rows->size(); ++i) {
      KERF_TRY(const JsonFields row, JsonFields::of((*rows)[i], fmt::format("{}: {}[{}]", root_.where(), name, i)));
      KERF_TRY_STATUS(read(row, (*rows)[i]));
    }
    return Ok{};
  }

  // One entry of `nodes`: `count` nodes alike.
  Status read_nodes(const JsonFields& row, const nlohmann::json& object) {
    KERF_TRY_STATUS(only_fields(object, row.where(), {"name", "count", "gpu", "gpus", "topo"}));
    KERF_TRY(const std::string name, row.string("name"));
    if (name.empty() || groups_.contains(name)) return row.wrong("name", "a name of its own");
    KERF_TRY(const int64_t count, row.integer("count", {1, kMaxDevices}, 1));
    KERF_TRY(const MachineSpec node, one_node(row));
    for (int64_t i = 0; i < count; ++i) {
      const std::string own = count == 1 ? name : fmt::format("{}{}", name, i);
      if (i > 0 && groups_.contains(own)) return row.wrong("name", "names of nodes that are not there yet");
      groups_[name].push_back(builder_.spec.num_nodes());
      if (own != name) groups_[own] = {builder_.spec.num_nodes()};
      KERF_TRY_STATUS(builder_.append(node, own));
    }
    return Ok{};
  }

  Result<MachineSpec> one_node(const JsonFields& row) {
    KERF_TRY(const std::string gpu, row.string("gpu", ""));
    KERF_TRY(const std::string topo, row.string("topo", ""));
    if (topo.empty()) {
      if (gpu.empty()) return row.wrong("gpu", "a GPU of the catalogue, or a 'topo' file");
      KERF_TRY(const int64_t gpus, row.integer("gpus", {1, kMaxDevicesPerNode}));
      auto machine = gpu_cluster({.gpu = gpu, .gpus_per_node = static_cast<int>(gpus)});
      if (!machine.ok()) return fail("{}: {}", row.where(), machine.error().message);
      return machine;
    }
    KERF_TRY(MachineSpec machine, read_node_(directory_ / topo, gpu));
    if (machine.num_nodes() != 1) {
      return row.wrong("topo", fmt::format("a file of one node, not {}", machine.num_nodes()));
    }
    KERF_TRY(const int64_t gpus, row.integer("gpus", {1, kMaxDevicesPerNode}, machine.num_devices()));
    if (gpus != machine.num_devices()) {
      return row.wrong("gpus", fmt::format("the {} devices that {} shows", machine.num_devices(), topo));
    }
    return machine;
  }

  // Places of the nodes that an entry of `networks` names.
  Result<std::vector<int>> members(const JsonFields& row) const {
    std::vector<int> nodes;
    if (!row.has("nodes")) {
      nodes.resize(static_cast<size_t>(builder_.spec.num_nodes()));
      std::iota(nodes.begin(), nodes.end(), 0);
      return nodes;
    }
    KERF_TRY(const std::vector<std::string> names, string_list(row, "nodes"));
    for (const std::string& name : names) {
      const auto group = groups_.find(name);
      if (group == groups_.end()) {
        return fail("{}: 'nodes' names '{}', which is no node of this file", row.where(), shown(name));
      }
      nodes.insert(nodes.end(), group->second.begin(), group->second.end());
    }
    std::ranges::sort(nodes);
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    if (nodes.empty()) return row.wrong("nodes", "a list of nodes");
    return nodes;
  }

  // The kind of a network, from the catalogue or from the entry itself.
  Result<CatalogLink> kind_of(const JsonFields& row) {
    KERF_TRY(const std::string name, row.string("kind"));
    auto known = find_catalog_link(name);
    const bool own = !known.ok() && row.has("gb_per_s") && row.has("latency_us");
    if (!known.ok() && !own) {
      return fail("{}: {}; or give gb_per_s and latency_us", row.where(), known.error().message);
    }
    CatalogLink link =
        own ? CatalogLink{.kind = {.name = name, .source = root_.where()}, .ports = NetworkPorts::kPerNode} : *known;
    KERF_TRY(link.kind.gb_per_s,
             row.number("gb_per_s", kPositive, own ? std::nullopt : std::optional(link.kind.gb_per_s)));
    KERF_TRY(link.kind.latency_us, row.number("latency_us", kFigure, link.kind.latency_us));
    KERF_TRY(link.kind.fast, row.boolean("fast", link.kind.fast));
    return link;
  }

  Status read_network(const JsonFields& row, const nlohmann::json& object) {
    KERF_TRY_STATUS(
        only_fields(object, row.where(), {"name", "kind", "nodes", "ports", "gb_per_s", "latency_us", "fast"}));
    KERF_TRY(const CatalogLink link, kind_of(row));
    KERF_TRY(std::vector<int> nodes, members(row));
    if (std::ranges::find(builder_.spec.link_kinds, link.kind.name, &LinkKind::name) ==
        builder_.spec.link_kinds.end()) {
      builder_.spec.link_kinds.push_back(link.kind);
    }
    KERF_TRY(const int kind, builder_.link_kind(link.kind.name));
    if (builder_.spec.link_kinds[static_cast<size_t>(kind)].fast != link.kind.fast) {
      return row.wrong("fast", fmt::format("the same for all of kind {}", link.kind.name));
    }
    KERF_TRY(const std::string name, row.string("name", link.kind.name));
    const NetworkPorts usual = link.ports == NetworkPorts::kNone ? NetworkPorts::kPerDevice : link.ports;
    builder_.join(name, kind, usual, std::move(nodes));
    Network& network = builder_.spec.networks.back();
    KERF_TRY(const int64_t ports, row.integer("ports", kPorts, usual_ports(network, usual)));
    network.gb_per_s_device = link.kind.gb_per_s;
    network.gb_per_s_node = link.kind.gb_per_s * static_cast<double>(ports);
    network.latency_us = link.kind.latency_us;
    return Ok{};
  }

  // Ports of the node that has the fewest: its cards where they are known, else a port per device or one.
  int64_t usual_ports(const Network& network, NetworkPorts usual) const {
    if (usual == NetworkPorts::kPerNode) return 1;
    int64_t fewest = kPorts.max;
    for (const int node : network.nodes) {
      const auto cards = std::ranges::count(builder_.spec.nics, node, &Nic::node);
      const auto devices = std::ranges::count(builder_.spec.devices, node, &Device::node);
      const bool fast = builder_.spec.link_kinds[static_cast<size_t>(network.kind)].fast;
      fewest = std::min<int64_t>(fewest, cards > 0 && !fast ? cards : devices);
    }
    return fewest;
  }

  // Whether networks join all nodes, directly or through others.
  Status check_joined() const {
    std::vector<bool> reached(builder_.spec.node_names.size());
    reached[0] = true;
    for (bool grew = true; grew;) {
      grew = false;
      for (const Network& network : builder_.spec.networks) {
        const auto is_reached = [&](int node) { return reached[static_cast<size_t>(node)]; };
        if (std::ranges::none_of(network.nodes, is_reached) || std::ranges::all_of(network.nodes, is_reached)) continue;
        for (const int node : network.nodes) reached[static_cast<size_t>(node)] = true;
        grew = true;
      }
    }
    const auto lonely = std::ranges::find(reached, false);
    if (lonely == reached.end()) return Ok{};
    return fail("{}: no network joins {} to {}; add one to 'networks'", root_.where(),
                shown(builder_.spec.node_names[static_cast<size_t>(lonely - reached.begin())]),
                shown(builder_.spec.node_names[0]));
  }

  const JsonFields& root_;
  const std::filesystem::path& directory_;
  const ReadNode& read_node_;
  MachineBuilder builder_;
  std::map<std::string, std::vector<int>> groups_;  // a name of `nodes` or of one node → places
};

}  // namespace

Result<MachineSpec> parse_cluster_file(std::string_view text, std::string_view where,
                                       const std::filesystem::path& directory, const ReadNode& read_node) {
  KERF_TRY(const nlohmann::json document, parse_yaml(text, where));
  KERF_TRY(const JsonFields root, JsonFields::of(document, std::string(where)));
  KERF_TRY_STATUS(only_fields(document, std::string(where), {"name", "nodes", "networks"}));
  return Cluster(root, directory, read_node).read();
}

}  // namespace kerf
