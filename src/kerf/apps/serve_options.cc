#include "kerf/apps/serve_options.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace kerf {

namespace {

template <typename T>
std::string join(const std::vector<T>& values) {
  return fmt::format("{}", fmt::join(values, ","));
}

}  // namespace

void add_serve_options(CLI::App& command, ServeOptions& options) {
  add_model_options(command, options.model);
  add_engine_options(command, options.engine);
  command.add_option("--data-parallel-size,--dp", options.model.plan.dp, "replicas of the model")
      ->check(CLI::Range(1, 1024))
      ->each([&options](const std::string& /*value*/) { options.model.cut_given = true; })
      ->capture_default_str();
  command.add_option("--host", options.host, "address to listen on; 0.0.0.0: every one of this machine")
      ->capture_default_str();
  command.add_option("--port", options.port, "port to listen on; 0: one that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command.add_option("--api-key", options.api_keys, "a key that clients must have; may be given several times")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--api-key-file", options.api_key_file, "file with a key a line");
  command.add_option("--served-model-name", options.served_model_names,
                     "what clients call the model; may be given several times; default: the directory's name");
  command.add_option("--allowed-origins", options.allowed_origins,
                     "origins whose pages may read answers (CORS), * for all; default: none");
  command
      .add_option("--max-queue", options.max_queue,
                  "most requests that wait for a replica; what comes then is refused with 429")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 20))
      ->capture_default_str();
  command.add_option("--log-format", options.log_format, "text or json: of the lines on stderr")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command
      .add_option("--startup-timeout", options.startup_timeout_s,
                  "seconds that a replica may take to load the model; 0: by the model's size")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  command
      .add_option("--shutdown-timeout", options.shutdown_timeout_s,
                  "seconds for the requests that are under way when the server is told to end")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  command.add_option("--limits-file", options.limits_file, "file with lines as max-queue = 100, read again at SIGHUP");
}

Result<std::vector<std::string>> read_api_keys(const ServeOptions& options) {
  std::vector<std::string> keys = options.api_keys;
  if (options.api_key_file.empty()) return keys;
  std::ifstream file(options.api_key_file);
  if (!file) return fail("--api-key-file {}: cannot be read: {}", options.api_key_file, std::strerror(errno));
  const size_t before = keys.size();
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line[0] != '#') keys.push_back(line);
  }
  // An empty file would open the server to everybody.
  if (keys.size() == before) return fail("--api-key-file {}: it holds no key; write one a line", options.api_key_file);
  return keys;
}

Result<int64_t> read_max_queue(const ServeOptions& options) {
  if (options.limits_file.empty()) return options.max_queue;
  std::ifstream file(options.limits_file);
  if (!file) return fail("--limits-file {}: cannot be read: {}", options.limits_file, std::strerror(errno));
  int64_t max_queue = options.max_queue;
  for (std::string line; std::getline(file, line);) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    std::istringstream words(line);
    std::string name, equals, rest;
    if (!(words >> name >> equals >> max_queue) || words >> rest || name != "max-queue" || equals != "=" ||
        max_queue < 0) {
      return fail("--limits-file {}: '{}' is no limit; write max-queue = 100", options.limits_file, line);
    }
  }
  return max_queue;
}

std::vector<std::string> replica_args(const ServeOptions& options, int threads) {
  const ModelOptions& model = options.model;
  std::vector<std::string> args = {"replica", model.model};
  const auto add = [&](const std::string& flag, const std::string& value) { args.insert(args.end(), {flag, value}); };
  add("--tp", std::to_string(model.plan.tp));
  add("--pp", std::to_string(model.plan.pp));
  if (model.plan.sp) args.emplace_back("--sp");
  if (!model.plan.pp_layers.empty()) add("--pp-layers", join(model.plan.pp_layers));
  if (!model.plan.tp_weights.empty()) add("--tp-weights", join(model.plan.tp_weights));
  if (!model.hosts.empty()) add("--hosts", model.hosts);
  if (!model.machine.empty()) add("--machine", model.machine);
  if (threads > 0) add("--threads", std::to_string(threads));
  add("--dtype", model.dtype);
  add("--quantization", model.quantization);
  add("--kv-cache-dtype", model.kv_cache_dtype);
  if (model.max_model_len > 0) add("--max-model-len", std::to_string(model.max_model_len));
  add("--max-num-batched-tokens", std::to_string(model.max_num_batched_tokens));
  add("--timeout", fmt::format("{}", model.timeout_s));
  const EngineOptions& engine = options.engine;
  add("--memory-utilization", fmt::format("{}", engine.memory_utilization));
  add("--max-num-seqs", std::to_string(engine.max_num_seqs));
  add("--block-size", std::to_string(engine.block_size));
  args.emplace_back(engine.enable_prefix_caching ? "--enable-prefix-caching" : "--no-enable-prefix-caching");
  add("--max-prompt-tokens-beside-decodes", std::to_string(engine.max_prompt_tokens_beside_decodes));
  add("--replicas", std::to_string(model.plan.dp));
  return args;
}

}  // namespace kerf
