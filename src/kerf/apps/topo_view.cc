#include "kerf/apps/topo_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "kerf/io/topology/domains.h"

namespace kerf {

namespace {

constexpr int kMostRows = 64;     // of the table of devices
constexpr int kMostColumns = 24;  // of a matrix of links
constexpr size_t kMostSets = 8;   // domains listed of one kind
constexpr size_t kMostMatrices = 4;

const LinkKind& kind_of(const MachineSpec& machine, const Link& link) {
  return machine.link_kinds[static_cast<size_t>(link.kind)];
}

// As nvidia-smi would say: "NV12", "PIX"; otherwise the kind's name.
std::string label_of(const MachineSpec& machine, const Link& link) {
  const std::string& name = kind_of(machine, link).name;
  if (link.width > 0 && name.starts_with("NVLink")) return fmt::format("NV{}", link.width);
  if (name.starts_with("xGMI-")) return link.width > 1 ? fmt::format("xGMI{}", link.width) : "xGMI";
  const size_t dash = name.rfind('-');
  return name.starts_with("PCIe") && dash != std::string::npos ? name.substr(dash + 1) : name;
}

std::string figure(double value, const char* unit) { return value == 0 ? "?" : fmt::format("{:.4g} {}", value, unit); }

using Table = std::vector<std::vector<std::string>>;

// Takes away the columns that say nothing below their title.
void drop_unknown_columns(Table& table) {
  for (size_t column = table[0].size(); column-- > 0;) {
    const bool known = std::any_of(table.begin() + 1, table.end(), [&](const std::vector<std::string>& row) {
      return !row[column].empty() && row[column] != "?";
    });
    if (known) continue;
    for (auto& row : table) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
  }
}

// Columns as wide as their widest cell, two blanks between.
void append_table(std::string& text, const Table& table) {
  std::vector<size_t> widths;
  for (const auto& row : table) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : table) {
    std::string line = "  ";
    for (size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
}

void draw_devices(const MachineSpec& machine, std::string& text) {
  text += "\ndevices\n";
  Table table = {{"", "name", "kind", "memory", "reads", "bf16", "NUMA", "CPUs"}};
  for (int i = 0; i < std::min(machine.num_devices(), kMostRows); ++i) {
    const Device& device = machine.devices[static_cast<size_t>(i)];
    const DeviceKind& kind = machine.device_kinds[static_cast<size_t>(device.kind)];
    table.push_back({std::to_string(i), device.name, kind.name, figure(kind.memory_bytes / 1e9, "GB"),
                     figure(kind.memory_gb_per_s, "GB/s"), figure(kind.bf16_tflops, "TFLOP/s"),
                     device.numa < 0 ? "" : std::to_string(device.numa), device.cpus});
  }
  drop_unknown_columns(table);
  append_table(text, table);
  if (machine.num_devices() > kMostRows) text += fmt::format("  … {} in all\n", machine.num_devices());
}

// The matrix of one node's links, or how many there are of each kind where it is too large.
std::string matrix_of(const MachineSpec& machine, int first, int count, const std::vector<const Link*>& links) {
  std::string text;
  if (count > kMostColumns) {
    std::map<std::string, int> pairs;
    for (const Link* link : links) ++pairs[label_of(machine, *link)];
    for (const auto& [label, number] : pairs) text += fmt::format("  {} pairs {}\n", number, label);
    return text;
  }
  Table table(static_cast<size_t>(count) + 1, std::vector<std::string>(static_cast<size_t>(count) + 1));
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const std::string& name = machine.devices[static_cast<size_t>(first) + i].name;
    table[0][i + 1] = table[i + 1][0] = name.substr(name.rfind('/') + 1);
    table[i + 1][i + 1] = "X";
  }
  for (const Link* link : links) {
    const auto a = static_cast<size_t>(link->a - first) + 1;
    const auto b = static_cast<size_t>(link->b - first) + 1;
    table[a][b] = table[b][a] = label_of(machine, *link);
  }
  append_table(text, table);
  return text;
}

void draw_links(const MachineSpec& machine, std::string& text) {
  if (machine.links.empty()) return;
  text += "\nlinks, bandwidth per direction\n";
  std::vector<int> first(machine.node_names.size(), -1);
  std::vector<int> count(machine.node_names.size());
  for (int i = 0; i < machine.num_devices(); ++i) {
    const auto node = static_cast<size_t>(machine.devices[static_cast<size_t>(i)].node);
    if (first[node] < 0) first[node] = i;
    ++count[node];
  }
  std::vector<std::vector<const Link*>> links(machine.node_names.size());
  for (const Link& link : machine.links) {
    links[static_cast<size_t>(machine.devices[static_cast<size_t>(link.a)].node)].push_back(&link);
  }
  std::vector<std::pair<std::string, std::vector<int>>> matrices;  // with the nodes that have it
  for (size_t node = 0; node < first.size(); ++node) {
    if (links[node].empty()) continue;
    std::string matrix = matrix_of(machine, first[node], count[node], links[node]);
    const auto known = std::ranges::find(matrices, matrix, [](const auto& pair) { return pair.first; });
    if (known != matrices.end())
      known->second.push_back(static_cast<int>(node));
    else
      matrices.emplace_back(std::move(matrix), std::vector{static_cast<int>(node)});
  }
  for (size_t i = 0; i < std::min(matrices.size(), kMostMatrices); ++i) {
    const auto& [matrix, nodes] = matrices[i];
    if (machine.num_nodes() > 1) {
      text += nodes.size() == 1 ? fmt::format("  in {}:\n", machine.node_names[static_cast<size_t>(nodes[0])])
                                : fmt::format("  in each of {} nodes, {} and so on:\n", nodes.size(),
                                              machine.node_names[static_cast<size_t>(nodes[0])]);
    }
    text += matrix;
  }
  std::set<std::array<std::string, 4>> legend;
  for (const Link& link : machine.links) {
    const LinkKind& kind = kind_of(machine, link);
    legend.insert({label_of(machine, link), kind.name, fmt::format("{:.4g} GB/s", link.gb_per_s),
                   fmt::format("{:.3g} us{}", link.latency_us, kind.fast ? "" : ", no fast fabric")});
  }
  text += "\n";
  Table table;
  for (const auto& row : legend) table.push_back({row.begin(), row.end()});
  append_table(text, table);
}

void draw_networks(const MachineSpec& machine, std::string& text) {
  if (machine.networks.empty()) return;
  text += "\nnetworks, bandwidth per direction\n";
  Table table;
  for (const Network& network : machine.networks) {
    const LinkKind& kind = machine.link_kinds[static_cast<size_t>(network.kind)];
    table.push_back(
        {network.name, kind.name, fmt::format("{} nodes", network.nodes.size()),
         fmt::format("{:.4g} GB/s per node, {:.4g} for one device", network.gb_per_s_node, network.gb_per_s_device),
         fmt::format("{:.3g} us{}", network.latency_us, kind.fast ? "" : ", no fast fabric")});
  }
  append_table(text, table);
}

// What a domain of this class is good for, in a word.
std::string good_for(const MachineSpec& machine, DomainClass domain_class, const std::vector<int>& domain) {
  const size_t size = domain.size();
  const Device& device = machine.devices[static_cast<size_t>(domain[0])];
  if (machine.device_kinds[static_cast<size_t>(device.kind)].fabric == "shm") {
    return size == 1 ? "one NUMA node: its cores share memory, ranks of any kind"
                     : fmt::format("{} NUMA nodes share memory: a rank or more on each, of any kind", size);
  }
  switch (domain_class) {
    case DomainClass::kSwitch:
      return fmt::format("any two at full speed: tensor and expert parallelism up to {}", size);
    case DomainClass::kPair: return "tensor parallelism of 2";
    case DomainClass::kMesh:
      return fmt::format("a link between any two: tensor parallelism up to {}, best of all {}", size, size);
    case DomainClass::kCubeMesh:
      return fmt::format("rings, but not any two: tensor parallelism of neighbours or of all {}", size);
    case DomainClass::kRack: return fmt::format("tensor and expert parallelism across nodes, up to {}", size);
    case DomainClass::kSingle: break;
  }
  return machine.num_devices() == 1 ? "one device: nothing to cut for"
                                    : "no fast link: pipeline or data parallelism; tensor parallelism costs latency";
}

void draw_domains(const MachineSpec& machine, std::string& text) {
  text += "\nfast-fabric domains\n";
  std::map<std::pair<size_t, DomainClass>, std::vector<const std::vector<int>*>, std::greater<>> groups;
  for (const auto& domain : machine.domains) {
    groups[{domain.size(), classify_domain(machine, domain)}].push_back(&domain);
  }
  for (const auto& [key, domains] : groups) {
    std::string sets;
    for (size_t i = 0; i < std::min(domains.size(), kMostSets); ++i) sets += "{" + ranges_of(*domains[i]) + "} ";
    if (domains.size() > kMostSets) sets += fmt::format("… {} such ", domains.size());
    text += fmt::format("  {} {}: {}\n", sets, name_of(key.second), good_for(machine, key.second, *domains[0]));
  }
}

std::vector<std::string> tree_of(const MachineSpec& machine) {
  std::vector<std::string> lines;
  int node = -1;
  int numa = -2;
  for (const Device& device : machine.devices) {
    if (device.node != node) {
      lines.push_back(machine.node_names[static_cast<size_t>(device.node)]);
      for (const Nic& nic : machine.nics) {
        if (nic.node != device.node) continue;
        std::string near;
        for (size_t i = 0; i < nic.paths.size(); ++i) {
          if (nic.paths[i] == "PIX" || nic.paths[i] == "PXB") near += fmt::format(" {}", i);
        }
        lines.push_back(fmt::format("  {}{}", nic.name, near.empty() ? "" : ", near GPU" + near));
      }
      node = device.node;
      numa = -2;
    }
    if (device.numa != numa && device.numa >= 0) lines.push_back(fmt::format("  NUMA node {}", device.numa));
    numa = device.numa;
    lines.push_back(fmt::format("  {}{} {}", device.numa >= 0 ? "  " : "",
                                device.name.substr(device.name.rfind('/') + 1),
                                machine.device_kinds[static_cast<size_t>(device.kind)].name));
  }
  return lines;
}

}  // namespace

std::string ranges_of(const std::vector<int>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ",";
    text += last == i ? std::to_string(numbers[i])
                      : fmt::format("{}{}{}", numbers[i], last == i + 1 ? "," : "-", numbers[last]);
    i = last + 1;
  }
  return text;
}

std::string draw_machine(const MachineSpec& machine, const std::vector<std::string>& tree) {
  std::string text = machine.name + "\n";
  draw_devices(machine, text);
  draw_links(machine, text);
  draw_networks(machine, text);
  draw_domains(machine, text);
  text += "\ntree\n";
  const std::vector<std::string> lines = tree.empty() ? tree_of(machine) : tree;
  for (size_t i = 0; i < std::min(lines.size(), size_t{2 * kMostRows}); ++i) text += "  " + lines[i] + "\n";
  if (lines.size() > size_t{2 * kMostRows}) text += "  …\n";
  for (const std::string& note : machine.notes) text += "\nnote: " + note + "\n";
  return text;
}

}  // namespace kerf
