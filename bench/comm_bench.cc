// The collectives of kerf's communicators beside MPI's own.
//
//   mpirun -np 2 comm_bench [--json] [--max-bytes N]
//
// All ranks repeat one operation; rank 0's times count. Each size runs in rounds of kerf and MPI in
// turn, since a shared machine's speed drifts. KERF_HOST_ID=$OMPI_COMM_WORLD_RANK per rank shows the
// mpi communicator in shm's place.
#include <fmt/format.h>
#include <mpi.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/comm/world.h"

namespace kerf {
namespace {

using std::chrono::steady_clock;

struct Quantiles {
  double p50_us, p99_us;
};

Quantiles quantiles(std::vector<double>& us) {
  std::sort(us.begin(), us.end());
  return {us[us.size() / 2], us[us.size() * 99 / 100]};
}

void measure(const std::function<void()>& operation, int repetitions, std::vector<double>& us) {
  for (int i = 0; i < repetitions / 10 + 1; ++i) operation();
  for (int i = 0; i < repetitions; ++i) {
    const auto start = steady_clock::now();
    operation();
    us.push_back(std::chrono::duration<double, std::micro>(steady_clock::now() - start).count());
  }
}

struct Case {
  const char* name;
  std::function<void()> kerf, mpi;
};

void pin(int rank) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(rank), &set);
  if (rank < static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN))) sched_setaffinity(0, sizeof(set), &set);
}

void run(World& world, int64_t max_bytes, bool json) {
  const int p = world.size();
  std::vector<int> everyone(static_cast<size_t>(p));
  std::iota(everyone.begin(), everyone.end(), 0);
  const auto group = world.group(everyone, "bench");
  const ReductionTree tree(even_bounds(p, p));
  const bool speaks = world.rank() == 0;
  if (speaks && json) fmt::print("{{\"ranks\": {}, \"kind\": \"{}\", \"results\": [", p, group->kind());
  if (speaks && !json) {
    fmt::print("{} ranks, us\n{:>15} {:>10} {:>10} {:>10} {:>10} {:>10}\n", p, "", "bytes",
               fmt::format("{} p50", group->kind()), fmt::format("{} p99", group->kind()), "MPI p50", "MPI p99");
  }
  const char* separator = "";
  for (int64_t bytes = 8; bytes <= max_bytes; bytes *= bytes == 8 ? 128 : bytes < 65536 ? 2 : 4) {
    const int64_t n = std::max<int64_t>(bytes / 4 / p, 1) * p;
    const int count = static_cast<int>(n);
    std::vector<float> in(static_cast<size_t>(n), 1.0f);
    std::vector<float> out(static_cast<size_t>(n));
    const auto bounds = even_bounds(n, p);
    const ConstTensor nodes(in.data(), {1, n});
    const ConstTensor flat(in.data(), {n});
    const ConstTensor part(in.data(), {n / p});
    const Tensor whole(out.data(), {n});
    const Tensor piece(out.data(), {n / p});
    const std::vector<Case> cases = {
        {"all_reduce", [&] { group->all_reduce_sum(nodes, whole, tree); },
         [&] { MPI_Allreduce(in.data(), out.data(), count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); }},
        {"reduce_scatter", [&] { group->reduce_scatter_sum(nodes, piece, tree, bounds); },
         [&] { MPI_Reduce_scatter_block(in.data(), out.data(), count / p, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); }},
        {"all_gather", [&] { group->all_gather(part, whole, bounds); },
         [&] { MPI_Allgather(in.data(), count / p, MPI_FLOAT, out.data(), count / p, MPI_FLOAT, MPI_COMM_WORLD); }},
        {"all_to_all", [&] { group->all_to_all(flat, bounds, whole, bounds); },
         [&] { MPI_Alltoall(in.data(), count / p, MPI_FLOAT, out.data(), count / p, MPI_FLOAT, MPI_COMM_WORLD); }},
        {"broadcast", [&] { group->broadcast(whole, 0); },
         [&] { MPI_Bcast(out.data(), count, MPI_FLOAT, 0, MPI_COMM_WORLD); }},
        {"ping_pong",
         [&] {
           if (world.rank() == 0) group->send(flat, 1);
           if (world.rank() == 1) group->recv(whole, 0), group->send(flat, 0);
           if (world.rank() == 0) group->recv(whole, 1);
         },
         [&] {
           if (world.rank() == 0) MPI_Send(in.data(), count, MPI_FLOAT, 1, 0, MPI_COMM_WORLD);
           if (world.rank() == 1) {
             MPI_Recv(out.data(), count, MPI_FLOAT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
             MPI_Send(in.data(), count, MPI_FLOAT, 0, 0, MPI_COMM_WORLD);
           }
           if (world.rank() == 0) MPI_Recv(out.data(), count, MPI_FLOAT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
         }},
    };
    const int repetitions = static_cast<int>(std::clamp<int64_t>((4 << 20) / bytes, 3, 2000));
    for (const Case& one : cases) {
      if (p == 1 && std::string_view(one.name) == "ping_pong") continue;
      std::vector<double> kerf_us;
      std::vector<double> mpi_us;
      for (int round = 0; round < 5; ++round) {
        measure(one.kerf, repetitions, kerf_us);
        measure(one.mpi, repetitions, mpi_us);
      }
      const Quantiles ours = quantiles(kerf_us);
      const Quantiles theirs = quantiles(mpi_us);
      if (speaks && json) {
        fmt::print(
            "{}\n  {{\"op\": \"{}\", \"bytes\": {}, \"p50_us\": {:.3f}, \"p99_us\": {:.3f}, \"mpi_p50_us\": {:.3f}, "
            "\"mpi_p99_us\": {:.3f}}}",
            separator, one.name, n * 4, ours.p50_us, ours.p99_us, theirs.p50_us, theirs.p99_us);
        separator = ",";
      } else if (speaks) {
        fmt::print("{:>15} {:>10} {:>10.2f} {:>10.2f} {:>10.2f} {:>10.2f}\n", one.name, n * 4, ours.p50_us, ours.p99_us,
                   theirs.p50_us, theirs.p99_us);
      }
    }
  }
  if (speaks && json) fmt::print("\n]}}\n");
}

}  // namespace
}  // namespace kerf

int main(int argc, char** argv) {
  bool json = false;
  int64_t max_bytes = 16 << 20;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--json") json = true;
    if (std::string_view(argv[i]) == "--max-bytes" && i + 1 < argc) max_bytes = std::atoll(argv[i + 1]);
  }
  const auto world = kerf::make_world();
  kerf::pin(world->rank());
  kerf::run(*world, max_bytes, json);
}
