#include "kerf/io/topology/nvidia_topology.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "kerf/io/json.h"
#include "kerf/io/topology/machine_builder.h"
#include "kerf/io/topology/text_table.h"

namespace kerf {

namespace {

constexpr size_t kMaxColumns = 1024;
constexpr size_t kColumnSlack = 2;  // "X" stands one to the right of its column

struct Header {
  size_t line = 0;  // place among the lines
  std::vector<TextWord> devices;
  bool cut = false;       // ends in "...": further columns were left out on purpose
  bool affinity = false;  // further columns follow
};

struct Row {
  std::vector<NodePath> paths;        // per device; kUnknown = an empty cell
  std::vector<std::string> affinity;  // CPU, NUMA, GPU's NUMA node; as many as there are
};

size_t next_line(const std::vector<TextLine>& lines, size_t after) {
  size_t at = after + 1;
  while (at < lines.size() && words_of(lines[at].text).empty()) ++at;
  return at;
}

// The header of the matrix whose first row is GPU0's. Its words are names, a row's second word is a path.
std::optional<Header> header_at(const std::vector<TextLine>& lines, size_t at) {
  const std::vector<TextWord> words = words_of(lines[at].text);
  if (words.empty() || !is_numbered(words[0].text, "GPU")) return {};
  if (words.size() > 1 && path_from_name(words[1].text).path != PathClass::kUnknown) return {};
  const size_t below = next_line(lines, at);
  const bool has_row = below < lines.size() && words_of(lines[below].text)[0].text == words[0].text;
  if (!has_row && (words.size() < 2 || !is_numbered(words[1].text, "GPU"))) return {};
  Header header{.line = at};
  for (const TextWord& word : words) {
    header.cut = word.text.starts_with("...");
    header.affinity = word.text == "CPU" || word.text == "NUMA" || word.text == "GPU";
    if (header.cut || header.affinity) break;
    header.devices.push_back(word);
  }
  return header;
}

std::optional<Header> find_header(const std::vector<TextLine>& lines, size_t from) {
  for (size_t at = from; at < lines.size(); ++at) {
    if (auto header = header_at(lines, at)) return header;
  }
  return {};
}

class Parser {
 public:
  Parser(std::vector<TextLine> lines, std::string_view where) : lines_(std::move(lines)), where_(where) {}

  Result<NodeTopology> parse() {
    KERF_TRY_STATUS(read_header());
    KERF_TRY_STATUS(read_rows());
    KERF_TRY_STATUS(mirror());
    KERF_TRY_STATUS(check_rest());
    return topology();
  }

 private:
  [[nodiscard]] const std::string& name(size_t device) const { return header_.devices[device].text; }
  [[nodiscard]] int number(size_t at) const { return lines_[at].number; }

  Error truncated(size_t at, const std::string& what) const {
    return fail("{}: line {}: {}; the output is truncated: give all that nvidia-smi topo -m prints", where_, number(at),
                what);
  }

  Status read_header() {
    const auto header = find_header(lines_, 0);
    if (!header) return fail("{}: no header 'GPU0 GPU1 …' of nvidia-smi topo -m", where_);
    header_ = *header;
    const auto is_gpu = [](const TextWord& word) { return is_numbered(word.text, "GPU"); };
    num_gpus_ = static_cast<size_t>(std::ranges::find_if_not(header_.devices, is_gpu) - header_.devices.begin());
    if (header_.devices.size() > kMaxColumns || num_gpus_ > size_t{kMaxDevicesPerNode}) {
      return fail("{}: line {}: {} columns; at most {} GPUs are read", where_, number(header_.line),
                  header_.devices.size(), kMaxDevicesPerNode);
    }
    std::vector<std::string> names;
    for (const TextWord& device : header_.devices) names.push_back(device.text);
    std::ranges::sort(names);
    if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
      return fail("{}: line {}: two columns '{}'; give one node's matrix", where_, number(header_.line), shown(*twice));
    }
    return Ok{};
  }

  Status read_rows() {
    last_ = header_.line;
    for (size_t device = 0; device < header_.devices.size(); ++device) {
      const size_t at = next_line(lines_, last_);
      const std::vector<TextWord> words = at < lines_.size() ? words_of(lines_[at].text) : std::vector<TextWord>{};
      if (words.empty() || words[0].text != name(device)) {
        return truncated(last_, fmt::format("a row of {} should follow", shown(name(device))));
      }
      KERF_TRY(Row row, read_row(device, at, words));
      rows_.push_back(std::move(row));
      row_lines_.push_back(at);
      last_ = at;
    }
    return check_last_affinity();
  }

  Result<Row> read_row(size_t device, size_t at, const std::vector<TextWord>& words) const {
    const size_t columns = header_.devices.size();
    std::vector<std::string> cells = cells_of(lines_[at].text);
    if (cells.size() > 1 && cells[0] == name(device) && cells_are_words(cells)) {
      if (cells.size() <= columns) {
        return truncated(at, fmt::format("{} has {} of {} cells", shown(name(device)), cells.size() - 1, columns));
      }
      return row_of(device, at, {cells.begin() + 1, cells.end()});
    }
    cells.clear();
    for (size_t i = 1; i < words.size(); ++i) cells.push_back(words[i].text);
    const bool whole = cells.size() >= columns &&
                       std::all_of(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(columns), is_path);
    if (!whole && is_aligned()) {
      if (auto placed = by_column(words)) return row_of(device, at, std::move(*placed));
    }
    if (cells.size() < columns && std::ranges::all_of(cells, is_path)) {
      return truncated(at, fmt::format("{} has {} of {} cells", shown(name(device)), cells.size(), columns));
    }
    return row_of(device, at, std::move(cells));
  }

  static bool is_path(const std::string& cell) { return path_from_name(cell).path != PathClass::kUnknown; }

  // Tabs separate cells only when none of them holds several words.
  static bool cells_are_words(const std::vector<std::string>& cells) {
    return std::ranges::none_of(cells, [](const std::string& cell) { return cell.find(' ') != std::string::npos; });
  }

  // Whether the header's columns stand above the rows': its leading blanks were not lost on the way.
  [[nodiscard]] bool is_aligned() const { return header_.devices[0].column > 0; }

  // The cells of a row in which some are empty, by the columns they stand in; none when they stand elsewhere.
  [[nodiscard]] std::optional<std::vector<std::string>> by_column(const std::vector<TextWord>& words) const {
    std::vector<std::string> cells(header_.devices.size());
    bool beyond = false;  // something stands at or behind the last column, so the row is not cut off before it
    for (size_t i = 1; i < words.size(); ++i) {
      const size_t column = words[i].column;
      beyond = beyond || column >= header_.devices.back().column;
      if (column > header_.devices.back().column + kColumnSlack) {
        cells.push_back(words[i].text);
        continue;
      }
      const auto under = std::ranges::find_if(header_.devices, [&](const TextWord& device) {
        return column >= device.column && column <= device.column + kColumnSlack;
      });
      if (under == header_.devices.end()) return {};
      cells[static_cast<size_t>(under - header_.devices.begin())] = words[i].text;
    }
    return beyond ? std::optional(std::move(cells)) : std::nullopt;
  }

  // cells: one per device, then affinities.
  Result<Row> row_of(size_t device, size_t at, std::vector<std::string> cells) const {
    Row row;
    const size_t columns = header_.devices.size();
    for (size_t other = 0; other < columns; ++other) {
      const std::string cell = other < cells.size() ? cells[other] : "";
      const NodePath path = path_from_name(cell);
      if (path.path == PathClass::kUnknown && !cell.empty()) return wrong_cell(device, other, at, cell);
      if ((path.path == PathClass::kSelf) != (device == other) && !cell.empty()) {
        return fail("{}: line {}: '{}' between {} and {}; X belongs on the diagonal and nowhere else", where_,
                    number(at), cell, shown(name(device)), shown(name(other)));
      }
      row.paths.push_back(path);
    }
    for (size_t i = columns; i < cells.size(); ++i) {
      if (!cells[i].empty()) row.affinity.push_back(cells[i]);
    }
    return row;
  }

  Error wrong_cell(size_t device, size_t other, size_t at, const std::string& cell) const {
    for (const char* p2p : {"OK", "CNS", "GNS", "TNS", "NS", "DR", "U"}) {
      if (cell == p2p) {
        return fail("{}: line {}: '{}' is of nvidia-smi topo -p2p; give the output of nvidia-smi topo -m", where_,
                    number(at), cell);
      }
    }
    return fail(
        "{}: line {}: '{}' between {} and {} is no path (NV#, PIX, PXB, PHB, NODE, SYS); if the output is truncated, "
        "give all that nvidia-smi topo -m prints",
        where_, number(at), shown(cell), shown(name(device)), shown(name(other)));
  }

  // The last row, when nothing follows it, may have lost its end: the others tell.
  Status check_last_affinity() const {
    if (next_line(lines_, last_) < lines_.size() || header_.devices.size() != num_gpus_) return Ok{};
    const bool others = std::ranges::any_of(rows_, [](const Row& row) { return !row.affinity.empty(); });
    if (others && rows_.back().affinity.empty() && !header_.cut) {
      return truncated(last_, fmt::format("{} has no CPU affinity, other rows have", name(rows_.size() - 1)));
    }
    return Ok{};
  }

  // Fills empty cells from their mirrors, and compares those that are not empty.
  Status mirror() {
    for (size_t a = 0; a < rows_.size(); ++a) {
      for (size_t b = a + 1; b < rows_.size(); ++b) {
        NodePath& upper = rows_[a].paths[b];
        NodePath& lower = rows_[b].paths[a];
        if (upper.path == PathClass::kUnknown) upper = lower;
        if (lower.path == PathClass::kUnknown) lower = upper;
        if (upper.path == PathClass::kUnknown) {
          return truncated(row_lines_[a], fmt::format("no path between {} and {}", shown(name(a)), shown(name(b))));
        }
        if (upper != lower) {
          return fail("{}: line {}: the path between {} and {} is not the one of line {}; is the output truncated?",
                      where_, number(row_lines_[b]), shown(name(b)), shown(name(a)), number(row_lines_[a]));
        }
      }
    }
    return Ok{};
  }

  Status check_rest() const {
    const auto second = find_header(lines_, last_ + 1);
    if (!second) return Ok{};
    return fail("{}: line {}: a second matrix; give one file per node, and join nodes in a cluster file", where_,
                number(second->line));
  }

  NodeTopology topology() const {
    NodeTopology topology;
    topology.gpus.resize(num_gpus_);
    topology.paths.resize(num_gpus_ * num_gpus_);
    for (size_t a = 0; a < num_gpus_; ++a) {
      topology.gpus[a] = {.name = name(a), .model = model_of(name(a))};
      read_affinity(rows_[a].affinity, topology.gpus[a]);
      for (size_t b = 0; b < num_gpus_; ++b) topology.at(a, b) = rows_[a].paths[b];
      topology.at(a, a).path = PathClass::kSelf;
    }
    for (size_t device = num_gpus_; device < rows_.size(); ++device) {
      Nic nic{.name = nic_name(name(device))};
      for (size_t gpu = 0; gpu < num_gpus_; ++gpu) {
        nic.paths.emplace_back(name_of(rows_[device].paths[gpu].path));
      }
      topology.nics.push_back(std::move(nic));
    }
    return topology;
  }

  static void read_affinity(const std::vector<std::string>& cells, NodeGpu& gpu) {
    const auto is_set = [](const std::string& cell) {
      return !cell.empty() && cell.find_first_not_of("0123456789,-") == std::string::npos;
    };
    if (!cells.empty() && is_set(cells[0])) gpu.cpus = cells[0];
    int numa = -1;  // the first of "0,3-9"
    if (cells.size() > 1 && is_set(cells[1])) {
      std::from_chars(cells[1].data(), cells[1].data() + cells[1].size(), numa);
    }
    if (numa >= 0 && numa <= kMaxNumaNode) gpu.numa = numa;
  }

  // "GPU 0: NVIDIA H100 80GB HBM3 (UUID: …)", as nvidia-smi -L prints, anywhere in the text.
  [[nodiscard]] std::string model_of(const std::string& gpu) const {
    const std::string prefix = "GPU " + gpu.substr(3) + ": ";
    for (const TextLine& line : lines_) {
      const size_t begin = line.text.find_first_not_of(" \t");
      if (begin == std::string::npos || line.text.compare(begin, prefix.size(), prefix) != 0) continue;
      const std::string model = line.text.substr(begin + prefix.size());
      return shown(model.substr(0, model.find(" (UUID")));
    }
    return {};
  }

  // The legend's name: "NIC0: mlx5_0".
  [[nodiscard]] std::string nic_name(const std::string& nic) const {
    for (const TextLine& line : lines_) {
      const std::vector<TextWord> words = words_of(line.text);
      if (words.size() == 2 && words[0].text == nic + ":") return shown(words[1].text);
    }
    return shown(nic);
  }

  std::vector<TextLine> lines_;
  std::string_view where_;
  Header header_;
  size_t num_gpus_ = 0;
  std::vector<Row> rows_;
  std::vector<size_t> row_lines_;  // places of the rows among the lines
  size_t last_ = 0;                // place of the last line read
};

}  // namespace

Result<NodeTopology> parse_nvidia_topology(std::string_view text, std::string_view where) {
  return Parser(clean_lines(text), where).parse();
}

bool is_nvidia_topology(std::string_view text) { return find_header(clean_lines(text), 0).has_value(); }

}  // namespace kerf
