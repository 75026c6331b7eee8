// The subcommands: each adds itself to the command line, and when chosen sets the exit status.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace kerf {

// args: argv without argv[0], for starting ranks with the same command line.
void add_run(CLI::App& app, const std::vector<std::string>& args, int& status);
void add_score(CLI::App& app, const std::vector<std::string>& args, int& status);
void add_topo(CLI::App& app, const std::vector<std::string>& args, int& status);
void add_plan(CLI::App& app, int& status);
void add_lint(CLI::App& app, const std::vector<std::string>& args, int& status);
void add_bench(CLI::App& app, const std::vector<std::string>& args, int& status);
void add_probe(CLI::App& app, int& status);
void add_serve(CLI::App& app, int& status);
// One replica of kerf serve; not for users.
void add_replica(CLI::App& app, const std::vector<std::string>& args, int& status);

// How many of argv are for kerf: what follows `kerf lint … --` is somebody else's command.
[[nodiscard]] int own_arguments(int argc, char** argv);

}  // namespace kerf
