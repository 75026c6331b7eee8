#include "kerf/io/topology/rocm_topology.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "kerf/io/json.h"
#include "kerf/io/topology/machine_builder.h"
#include "kerf/io/topology/text_table.h"

namespace kerf {

namespace {

constexpr const char* kTypes = "Link Type between two GPUs";
constexpr const char* kHops = "Hops between two GPUs";
constexpr const char* kWeights = "Weight between two GPUs";
constexpr int kWeightWithinSocket = 40;  // KFD's weight of PCIe through one processor

using Table = std::vector<std::vector<std::string>>;  // [gpus][gpus]

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

class Parser {
 public:
  Parser(std::vector<TextLine> lines, std::string_view where) : lines_(std::move(lines)), where_(where) {}

  Result<NodeTopology> parse() {
    if (!find_title(kTypes)) {
      return fail("{}: no table '{}'; give all that rocm-smi --showtopo prints", where_, kTypes);
    }
    KERF_TRY(const Table types, read_table(kTypes));
    if (names_.empty() || names_.size() > size_t{kMaxDevicesPerNode}) {
      return fail("{}: '{}' has {} GPUs; expected 1 to {}", where_, kTypes, names_.size(), kMaxDevicesPerNode);
    }
    const std::vector<std::string> names = names_;
    Table hops;
    Table weights;
    if (find_title(kHops)) {
      KERF_TRY(hops, read_table(kHops));
    }
    if (find_title(kWeights)) {
      KERF_TRY(weights, read_table(kWeights));
    }
    for (const Table& table : {hops, weights}) {
      if (!table.empty() && table.size() != types.size()) {
        return fail("{}: its tables have {} and {} GPUs; give all that rocm-smi --showtopo prints", where_,
                    types.size(), table.size());
      }
    }
    NodeTopology topology{.amd = true};
    for (const std::string& name : names) topology.gpus.push_back({.name = name});
    read_numa(topology);
    KERF_TRY_STATUS(fill(topology, types, hops, weights));
    return topology;
  }

 private:
  [[nodiscard]] std::optional<size_t> find_title(std::string_view title) const {
    const auto found =
        std::ranges::find_if(lines_, [&](const TextLine& line) { return line.text.find(title) != std::string::npos; });
    if (found == lines_.end()) return {};
    return static_cast<size_t>(found - lines_.begin());
  }

  // The table under a title; sets names_ to its columns. REQUIRES: the title is there
  Result<Table> read_table(const char* title) {
    size_t at = *find_title(title) + 1;
    while (at < lines_.size() && words_of(lines_[at].text).empty()) ++at;
    names_.clear();
    if (at < lines_.size()) {
      for (const TextWord& word : words_of(lines_[at].text)) names_.push_back(word.text);
    }
    if (!std::ranges::all_of(names_, [](const std::string& name) { return is_numbered(name, "GPU"); })) {
      return truncated(at, fmt::format("a header 'GPU0 GPU1 …' should follow '{}'", title));
    }
    Table table;
    for (size_t row = 0; row < names_.size(); ++row) {
      const size_t line = ++at;
      const std::vector<TextWord> words = line < lines_.size() ? words_of(lines_[line].text) : std::vector<TextWord>{};
      if (words.size() != names_.size() + 1 || words[0].text != names_[row]) {
        return truncated(line, fmt::format("expected {} with {} cells of '{}'", names_[row], names_.size(), title));
      }
      table.emplace_back();
      for (size_t i = 1; i < words.size(); ++i) table.back().push_back(words[i].text);
    }
    return table;
  }

  Error truncated(size_t at, const std::string& what) const {
    const int number = lines_.empty() ? 0 : lines_[std::min(at, lines_.size() - 1)].number;
    return fail("{}: line {}: {}; the output is truncated: give all that rocm-smi --showtopo prints", where_, number,
                what);
  }

  // "GPU[3]  : (Topology) Numa Node: 1"
  void read_numa(NodeTopology& topology) const {
    for (const TextLine& line : lines_) {
      const size_t open = line.text.find("GPU[");
      const size_t close = line.text.find(']');
      const size_t label = line.text.find("Numa Node:");
      if (open == std::string::npos || close == std::string::npos || label == std::string::npos || close < open)
        continue;
      const auto gpu = number_of(line.text.substr(open + 4, close - open - 4));
      const std::vector<TextWord> words = words_of(std::string_view(line.text).substr(label + 10));
      const auto node = words.empty() ? std::nullopt : number_of(words[0].text);
      if (!gpu || !node || *node < 0 || *node > kMaxNumaNode) continue;
      const auto found = std::ranges::find(topology.gpus, fmt::format("GPU{}", *gpu), &NodeGpu::name);
      if (found != topology.gpus.end()) found->numa = *node;
    }
  }

  Status fill(NodeTopology& topology, const Table& types, const Table& hops, const Table& weights) const {
    const size_t count = topology.gpus.size();
    topology.paths.resize(count * count);
    for (size_t a = 0; a < count; ++a) {
      for (size_t b = 0; b < count; ++b) {
        const std::string& type = types[a][b];
        if (type != types[b][a]) {
          return fail("{}: '{}' from {} to {}, but '{}' back; give the output as rocm-smi --showtopo prints it", where_,
                      shown(type), topology.gpus[a].name, topology.gpus[b].name, shown(types[b][a]));
        }
        const bool xgmi = type == "XGMI";
        if (a != b && !xgmi && type != "PCIE") {
          return fail("{}: '{}' between {} and {} is no link type of rocm-smi's (XGMI, PCIE)", where_, shown(type),
                      topology.gpus[a].name, topology.gpus[b].name);
        }
        const bool direct = hops.empty() || hops[a][b] == "1";
        topology.at(a, b) = a == b           ? NodePath{.path = PathClass::kSelf}
                            : xgmi && direct ? NodePath{.path = PathClass::kBonded, .width = 1}
                                             : NodePath{.path = pcie_path(topology, a, b, weights)};
      }
    }
    return Ok{};
  }

  static PathClass pcie_path(const NodeTopology& topology, size_t a, size_t b, const Table& weights) {
    const int numa_a = topology.gpus[a].numa;
    const int numa_b = topology.gpus[b].numa;
    if (numa_a >= 0 && numa_b >= 0) return numa_a == numa_b ? PathClass::kPhb : PathClass::kSys;
    const auto weight = weights.empty() ? std::nullopt : number_of(weights[a][b]);
    return weight && *weight <= kWeightWithinSocket ? PathClass::kPhb : PathClass::kSys;
  }

  std::vector<TextLine> lines_;
  std::string_view where_;
  std::vector<std::string> names_;
};

}  // namespace

Result<NodeTopology> parse_rocm_topology(std::string_view text, std::string_view where) {
  return Parser(clean_lines(text), where).parse();
}

bool is_rocm_topology(std::string_view text) {
  return text.find("between two GPUs") != std::string_view::npos ||
         text.find("ROCm System Management Interface") != std::string_view::npos;
}

}  // namespace kerf
