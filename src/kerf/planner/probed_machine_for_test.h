// A machine as kerf probe would describe it, with figures that are easy to compute with: 4 cores, each 100 GFLOP/s;
// weights from a cache at 40 GB/s a core, from memory at 20 GB/s and no more than 40 GB/s in all.
#pragma once

#include <algorithm>

#include "kerf/spec/machine_spec.h"

namespace kerf::testing {

inline MachineSpec probed_machine() {
  MachineSpec machine;
  machine.basis = Basis::kMeasured;
  machine.name = "a test's machine";
  machine.node_names = {"here"};
  machine.device_kinds = {{.name = "cpu", .memory_bytes = 16e9, .basis = Basis::kMeasured}};
  for (int core = 0; core < 4; ++core) machine.devices.push_back({.name = "cpu" + std::to_string(core)});
  HostFigures& host = machine.host;
  host.cpu = "test";
  host.isa = "scalar";
  host.cores = 4;
  host.read_gb_per_s = {20, 40, 40, 40};
  const auto rate = [](int64_t rows, double compute, double bytes_per_s) {
    // A bf16 weight is read in 2 / bytes_per_s and multiplied in 2 · rows / compute, whichever is longer.
    return std::min(compute, static_cast<double>(rows) * bytes_per_s);
  };
  for (const int threads : {1, 2, 4}) {
    for (const int64_t rows : {1, 4, 16, 64, 256}) {
      MatmulPoint point{.format = "bf16", .rows = rows, .threads = threads, .inputs = 2048, .weight_mb = 8};
      point.gflops = rate(rows, 100.0 * threads, 40.0 * threads);
      host.matmul.push_back(point);
      point.weight_mb = 128;
      point.gflops = rate(rows, 100.0 * threads, std::min(40.0, 20.0 * threads));
      host.matmul.push_back(point);
    }
  }
  for (const char* transport : {"shm", "mpi"}) {
    const double slower = transport[0] == 'm' ? 10 : 1;
    for (const char* op : {"all_reduce", "reduce_scatter", "all_gather", "broadcast", "send"}) {
      for (const int ranks : {2, 4}) {
        host.collectives.push_back({.op = op,
                                    .transport = transport,
                                    .ranks = ranks,
                                    .bytes = {8, 1024, 1048576},
                                    .us = {slower * ranks / 2, slower * ranks / 2, slower * 100 * ranks / 2}});
      }
    }
  }
  for (const int64_t context : {64, 1024}) {
    host.attention.push_back({"bf16", 1, 64, false, context, static_cast<double>(context) / 64});
    host.attention.push_back({"bf16", 4, 64, false, context, static_cast<double>(context) / 32});
  }
  host.elements = {{"copy", 0.1}, {"norm", 0.2}, {"sample", 0.4}};
  host.fork_us = {0, 1, 1, 1};
  host.step_us = 1;
  host.spread = 0.1;
  return machine;
}

}  // namespace kerf::testing
