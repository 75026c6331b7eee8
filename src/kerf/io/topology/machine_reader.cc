#include "kerf/io/topology/machine_reader.h"

#include <fstream>
#include <iterator>

#include "kerf/io/topology/cluster_file.h"
#include "kerf/io/topology/hwloc_topology.h"
#include "kerf/io/topology/machine_json.h"
#include "kerf/io/topology/nvidia_topology.h"
#include "kerf/io/topology/rocm_topology.h"
#include "kerf/io/topology/text_table.h"

namespace kerf {

namespace {

constexpr std::uintmax_t kMaxBytes = 64U << 20;

// Whether a line begins with one of the file's keys.
bool is_cluster_file(std::string_view text) {
  for (const TextLine& line : clean_lines(text)) {
    if (line.text.starts_with("nodes:") || line.text.starts_with("networks:")) return true;
  }
  return false;
}

// A node of a cluster: whatever describes a machine, but for another cluster file, which could name itself.
Result<MachineSpec> read_node(const std::filesystem::path& path, const std::string& gpu) {
  KERF_TRY(const std::string text, read_topology_text(path));
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool other = first != std::string::npos && (text[first] == '{' || text[first] == '<');
  if (!other && !is_rocm_topology(text) && !is_nvidia_topology(text) && is_cluster_file(text)) {
    return fail("{}: a cluster file inside a cluster file; name its nodes in one file", path.string());
  }
  return parse_machine(text, path.string(), path.parent_path(), {.gpu = gpu});
}

}  // namespace

Result<std::string> read_topology_text(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return fail("{}: no such file", path.string());
  if (std::filesystem::is_directory(path, error)) return fail("{}: a directory; give a file", path.string());
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::string chunk(size_t{1} << 16, '\0');
  while (file && text.size() <= kMaxBytes) {  // of a pipe, the size is not known
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    text.append(chunk, 0, static_cast<size_t>(file.gcount()));
  }
  if (!file.eof() && text.size() <= kMaxBytes) return fail("{}: cannot be read", path.string());
  if (text.size() > kMaxBytes) return fail("{}: larger than {} MB; no topology is", path.string(), kMaxBytes >> 20);
  return text;
}

Result<MachineSpec> parse_machine(std::string_view text, std::string_view where, const std::filesystem::path& directory,
                                  const ReadMachineOptions& options) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') return parse_machine_json(text, where);
  if (is_rocm_topology(text)) {
    KERF_TRY(const NodeTopology topology, parse_rocm_topology(text, where));
    return machine_of(topology, options.gpu);
  }
  if (is_nvidia_topology(text)) {
    KERF_TRY(const NodeTopology topology, parse_nvidia_topology(text, where));
    return machine_of(topology, options.gpu);
  }
  if (first != std::string_view::npos && text[first] == '<') {
    KERF_TRY(HostTopology host, parse_hwloc_xml(text, where, options.gpu));
    return std::move(host.machine);
  }
  if (is_cluster_file(text)) {
    return parse_cluster_file(text, where, directory, [](const std::filesystem::path& path, const std::string& gpu) {
      return read_node(path, gpu);
    });
  }
  return fail(
      "{}: no machine in it; expected what nvidia-smi topo -m, rocm-smi --showtopo, lstopo machine.xml or kerf probe "
      "writes, or a cluster file with 'nodes:'",
      where);
}

Result<MachineSpec> read_machine(const std::filesystem::path& path, const ReadMachineOptions& options) {
  KERF_TRY(const std::string text, read_topology_text(path));
  return parse_machine(text, path.string(), path.parent_path(), options);
}

}  // namespace kerf
