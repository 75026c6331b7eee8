// A program that cuts itself into ranks, as kerf does; launch_test.py plays with it.
//
//   launched RANKS SCENARIO [HOSTS]
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <numeric>
#include <string>

#include "kerf/apps/launch.h"
#include "kerf/comm/world.h"

namespace kerf {
namespace {

// All-reduces for ever, until something goes wrong.
void toil(Communicator& group) {
  const ReductionTree tree(even_bounds(group.size(), group.size()));
  std::array<float, 2048> values{};
  while (true) {
    group.all_reduce_sum(ConstTensor(values.data(), {1, 2048}), Tensor(values.data(), {2048}), tree);
    usleep(1000);
  }
}

int run(World& world, const std::string& scenario) {
  std::vector<int> everyone(static_cast<size_t>(world.size()));
  std::iota(everyone.begin(), everyone.end(), 0);
  const auto group = world.group(everyone, "all");
  if (scenario == "echo") {  // rank 0: stdin to stdout, then what the ranks know
    int32_t word = world.rank() == 0 ? 42 : 0;
    group->broadcast(Tensor(&word, {1}), 0);
    if (word != 42) return 1;
    if (world.rank() == 0) std::cout << std::string(std::istreambuf_iterator<char>(std::cin), {}) << std::flush;
    return 0;
  }
  if (scenario == "kind") {
    if (world.rank() == 0) fmt::print("{} {}\n", group->kind(), world.size());
    return 0;
  }
  if (scenario == "usage") {  // all ranks find the same fault; one speaks
    if (world.rank() == 0) fmt::print(stderr, "kerf: this cannot be cut\n");
    return 2;
  }
  if (scenario == "abort") world.abort(fmt::format("rank {} lacks a file", world.rank()));
  fmt::print(stderr, "rank {} pid {} parent {}\n", world.rank(), getpid(), getppid());
  if (scenario == "die" && world.rank() == 1) raise(SIGKILL);
  if (scenario == "stop" && world.rank() == 1) raise(SIGSTOP);
  toil(*group);
  return 0;
}

int run_rank(const std::string& scenario) {
  const auto world = make_world(std::chrono::milliseconds(scenario == "stop" ? 500 : 60'000));
  try {
    return run(*world, scenario);
  } catch (const CommError& error) {
    world->abort(error.what());
    return 1;
  }
}

}  // namespace
}  // namespace kerf

int main(int argc, char** argv) {
  const std::string scenario = argc > 2 ? argv[2] : "";
  if (kerf::started_by_mpi()) return kerf::run_rank(scenario);
  kerf::LaunchOptions options{.ranks = std::atoi(argv[1]),
                              .hosts = {},
                              .arguments = {argv + 1, argv + argc},
                              .forward_stdin = scenario == "echo"};
  if (argc > 3) {
    auto hosts = kerf::parse_hosts(argv[3]);
    if (!hosts) {
      fmt::print(stderr, "kerf: {}\n", hosts.error().message);
      return 2;
    }
    options.hosts = *hosts;
  }
  const auto status = kerf::launch(options);
  if (!status) fmt::print(stderr, "kerf: {}\n", status.error().message);
  return status ? *status : 1;
}
