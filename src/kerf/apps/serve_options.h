// The command line of kerf serve, and those of its replicas.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kerf/apps/options.h"
#include "kerf/base/result.h"

namespace kerf {

struct ServeOptions {
  ModelOptions model{.timeout_s = 10};
  EngineOptions engine;
  std::string host = "127.0.0.1";
  int port = 8000;
  std::vector<std::string> served_model_names;  // empty: the directory's name
  std::vector<std::string> allowed_origins;     // of browsers' pages (CORS); empty: none
  std::string log_format = "text";              // text | json
  double startup_timeout_s = 0;                 // of a replica, from its start until it serves; 0: by the model's size
  double shutdown_timeout_s = 30;               // for what is under way when the server is to end

  std::vector<std::string> api_keys;
  int64_t max_queue = 1024;  // requests that wait for a replica
  // Read again at SIGHUP.
  std::string api_key_file;  // one key a line
  std::string limits_file;   // max-queue = 100
};

// Adds the flags; long names are vLLM's. Nothing is read or checked beyond what each flag says.
void add_serve_options(CLI::App& command, ServeOptions& options);

// --api-key and the lines of --api-key-file; blank lines and those that begin with # are none. Fails when the file
// cannot be read, or holds no key.
[[nodiscard]] Result<std::vector<std::string>> read_api_keys(const ServeOptions& options);

// --max-queue, or what --limits-file says instead. Fails when the file cannot be read or holds anything else.
[[nodiscard]] Result<int64_t> read_max_queue(const ServeOptions& options);

// What follows `kerf` on a replica's command line. threads: per rank.
[[nodiscard]] std::vector<std::string> replica_args(const ServeOptions& options, int threads);

}  // namespace kerf
