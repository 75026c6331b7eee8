#include <algorithm>
#include <charconv>
#include <optional>

#include "kerf/planner/command_reader.h"

namespace kerf {

namespace {

constexpr int kMostDevices = 65536;

std::optional<int> parse_small(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > kMostDevices)
    return std::nullopt;
  return value;
}

// "0,1,2"; nothing for UUIDs, and for anything else that is no list of numbers.
std::optional<std::vector<int>> parse_devices(std::string_view text) {
  std::vector<int> devices;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const auto device = parse_small(text.substr(begin, end - begin));
    if (!device) return std::nullopt;
    devices.push_back(*device);
    begin = end + 1;
  }
  return devices;
}

std::string_view base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// all, 2, device=0,1 and "device=0,1" (docker wants the inner quotes).
void read_docker_gpus(EngineCommand& command, std::string_view value) {
  if (value.starts_with('"')) value.remove_prefix(1);
  if (value.ends_with('"')) value.remove_suffix(1);
  constexpr std::string_view kDevice = "device=";
  if (value.starts_with(kDevice)) {
    command.visible_devices = parse_devices(value.substr(kDevice.size()));
  } else if (const auto count = parse_small(value)) {
    command.visible_count = *count;
  }
}

void read_environment(EngineCommand& command, std::string_view word) {
  if (word.starts_with("--env=")) word.remove_prefix(6);
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = word.substr(equals + 1);
  if (name == "CUDA_VISIBLE_DEVICES" || name == "HIP_VISIBLE_DEVICES") command.visible_devices = parse_devices(value);
  if (name == "VLLM_ALLOW_LONG_MAX_MODEL_LEN") command.allows_long = value != "0";
  if (name == environment_name(command.engine, Setting::kPpLayers)) {
    const auto layers = parse_devices(value);
    if (layers && static_cast<int>(layers->size()) == command.plan.pp) {
      command.plan.pp_layers.assign(layers->begin(), layers->end());
    }
  }
}

}  // namespace

Status read_launcher(EngineCommand& command) {
  bool docker = false;
  bool mpi = false;
  bool slurm = false;
  for (size_t i = 0; i < command.first && i < command.words.size(); ++i) {
    const std::string_view word = command.words[i].text;
    const std::string_view next = i + 1 < command.first ? std::string_view(command.words[i + 1].text) : "";
    const std::string_view name = base_name(word);
    docker = docker || name == "docker" || name == "podman" || name == "nerdctl";
    mpi = mpi || name == "mpirun" || name == "mpiexec" || name == "orterun";
    slurm = slurm || name == "srun";
    if (docker && word == "--gpus") read_docker_gpus(command, next);
    if (docker && word.starts_with("--gpus=")) read_docker_gpus(command, word.substr(7));
    if (mpi && (word == "-n" || word == "-np" || word == "--np"))
      command.launched_ranks = parse_small(next).value_or(0);
    if (slurm && (word == "-n" || word == "--ntasks")) command.launched_ranks = parse_small(next).value_or(0);
    if (slurm && word.starts_with("--ntasks=")) command.launched_ranks = parse_small(word.substr(9)).value_or(0);
    read_environment(command, word);
  }
  return Ok{};
}

}  // namespace kerf
