// A job for launch_test: `launch_probe RANKS HOSTS VERB [ARGUMENT...]`. The launcher when started by hand, a rank
// when started by mpirun. With HOSTS other than "" its ranks do as if they
// did not run on the launcher's host.
//
//   exit RANK STATUS   that rank ends with STATUS, the others wait for their end
//   fail STATUS        every rank reports the same failure and ends with STATUS
//   wait DIR           every rank writes its pid to DIR/<rank>, then waits to be killed
//   mourn DIR          the same, but when rank 1 dies the others report it and end with 1
//   bytes COUNT        rank 0 writes COUNT bytes 0, 1, 2 … 250, 0 … to stdout
//   cat                rank 0 copies stdin to stdout as it comes
//   bar                rank 0 draws a progress bar, without newline, on stderr
//   show NAME          rank 0 prints an environment variable
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "kerf/apps/launch.h"
#include "kerf/apps/lifeline.h"
#include "kerf/comm/world.h"

namespace {

using Arguments = std::vector<std::string>;

[[noreturn]] void wait_for_death() {
  while (true) pause();
}

pid_t write_pid(const std::filesystem::path& dir, int rank) {
  std::ofstream(dir / fmt::format("{}.new", rank)) << getpid();
  std::filesystem::rename(dir / fmt::format("{}.new", rank), dir / std::to_string(rank));  // seen whole or not
  return getpid();
}

int mourn(const std::filesystem::path& dir) {
  pid_t first = 0;
  while (!(std::ifstream(dir / "1") >> first)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  while (kill(first, 0) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kerf::report_failure("rank 1 died");
  return 1;
}

int write_bytes(long count) {
  std::vector<char> bytes(251 << 10);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 251);
  for (long done = 0; done < count;) {
    const auto part = static_cast<size_t>(std::min(count - done, static_cast<long>(bytes.size())));
    if (write(STDOUT_FILENO, bytes.data(), part) != static_cast<ssize_t>(part)) return 1;
    done += static_cast<long>(part);
  }
  return 0;
}

int copy() {
  std::array<char, 4096> bytes{};
  for (ssize_t got = 0; (got = read(STDIN_FILENO, bytes.data(), bytes.size())) > 0;) {
    if (write(STDOUT_FILENO, bytes.data(), static_cast<size_t>(got)) != got) return 1;
  }
  return 0;
}

int rank_main(const Arguments& args) {
  if (!args.at(1).empty()) setenv(kerf::kLifelineVariable, "kerf-not-here", 1);
  kerf::tie_to_launcher();
  const int rank = std::stoi(std::getenv("OMPI_COMM_WORLD_RANK"));
  const std::string& verb = args.at(2);
  if (verb == "exit") {
    if (rank == std::stoi(args.at(3))) return std::stoi(args.at(4));
    if (args.at(4) != "0") wait_for_death();
    return 0;
  }
  if (verb == "fail") {
    kerf::report_failure("model.safetensors: it is not there");
    return std::stoi(args.at(3));
  }
  if (verb == "wait" || verb == "mourn") {
    write_pid(args.at(3), rank);
    if (verb == "wait" || rank == 1) wait_for_death();
    return mourn(args.at(3));
  }
  if (rank != 0) return 0;
  if (verb == "bytes") return write_bytes(std::stol(args.at(3)));
  if (verb == "cat") return copy();
  if (verb == "bar") {
    fmt::print(stderr, "\rloading --- [##..]");
    if (getchar() == EOF) return 0;  // stays in the middle of a line until its stdin ends
  }
  if (verb == "show") {
    const char* value = std::getenv(args.at(3).c_str());
    fmt::print("{}\n", value == nullptr ? "unset" : value);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments args(argv + 1, argv + argc);
  if (kerf::started_by_mpi()) return rank_main(args);
  return kerf::launch({.ranks = std::stoi(args.at(0)), .hosts = args.at(1), .args = args});
}
