#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "kerf/apps/commands.h"
#include "kerf/apps/launch.h"

namespace {

int run(int argc, char** argv) {
  CLI::App app("kerf cuts a large language model across machines, and gives the same answer whatever the cut.");
  app.set_version_flag("--version", "kerf 0.1.0");
  app.require_subcommand(1);
  const std::vector<std::string> args(argv + 1, argv + argc);
  int status = 0;
  kerf::add_run(app, args, status);
  kerf::add_score(app, args, status);
  kerf::add_serve(app, status);
  kerf::add_topo(app, args, status);
  kerf::add_plan(app, status);
  kerf::add_lint(app, args, status);
  kerf::add_bench(app, args, status);
  kerf::add_probe(app, status);
  kerf::add_replica(app, args, status);
  try {
    app.parse(kerf::own_arguments(argc, argv), argv);
  } catch (const CLI::Success& shown) {  // --help, --version
    return app.exit(shown);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "kerf: %s; try kerf --help\n", error.what());
    return 2;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  kerf::tie_to_launcher();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kerf: %s\n", error.what());
    return 1;
  }
}
