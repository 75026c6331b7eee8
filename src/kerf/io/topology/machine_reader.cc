#include "kerf/io/topology/machine_reader.h"

#include <fstream>
#include <iterator>

#include "kerf/io/topology/machine_json.h"
#include "kerf/io/topology/nvidia_topology.h"
#include "kerf/io/topology/rocm_topology.h"

namespace kerf {

namespace {

constexpr std::uintmax_t kMaxBytes = 64U << 20;

}  // namespace

Result<std::string> read_topology_text(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return fail("{}: no such file", path.string());
  if (std::filesystem::is_directory(path, error)) return fail("{}: a directory; give a file", path.string());
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file && !file.eof())) return fail("{}: cannot be read", path.string());
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxBytes) return fail("{}: larger than {} MB; no topology is", path.string(), kMaxBytes >> 20);
  return text;
}

Result<MachineSpec> parse_machine(std::string_view text, std::string_view where,
                                  const std::filesystem::path& /*directory*/, const ReadMachineOptions& options) {
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
  return fail("{}: not a machine", where);
}

Result<MachineSpec> read_machine(const std::filesystem::path& path, const ReadMachineOptions& options) {
  KERF_TRY(const std::string text, read_topology_text(path));
  return parse_machine(text, path.string(), path.parent_path(), options);
}

}  // namespace kerf
