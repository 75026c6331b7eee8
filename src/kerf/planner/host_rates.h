// HostRates: what probing a host found, ready to be asked: seconds of a matmul, of attention, of a collective.
//
// Between measured points all is interpolated; beyond them times grow in proportion. A format that was not measured
// takes the figures of one that was, by the width of its weights.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "kerf/planner/interpolate.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

// One linear of one rank.
struct HostMatmul {
  std::string_view format;    // of the weights
  double rows = 1;            // M
  double outputs = 0;         // N on this rank
  double inputs = 0;          // K on this rank
  double slices = 1;          // that K is summed in
  double threads = 1;         // of this rank
  double active = 1;          // threads of all ranks on the host that compute now; may exceed its cores
  double working_set_mb = 0;  // 1e6 bytes that the host reads in turn
};

class HostRates {
 public:
  // Keeps a reference. REQUIRES: figures.probed()
  explicit HostRates(const HostFigures& figures);

  [[nodiscard]] int cores() const { return figures_.cores; }

  [[nodiscard]] double matmul_s(const HostMatmul& matmul) const;

  // Seconds of one token over one KV head on one thread.
  [[nodiscard]] double attention_s(std::string_view format, double group, double head_dim, double context,
                                   double working_set_mb, double active) const;

  // The ElementCost of a matmul's reading of its input.
  [[nodiscard]] std::string prepare_op(std::string_view format) const;

  // Seconds per element of ElementCost::op, on one thread; 0 when it was not measured.
  [[nodiscard]] double element_s(std::string_view op) const;

  // Handing one loop to `threads` threads and waiting for them. 0 for one thread.
  [[nodiscard]] double fork_s(double threads) const;
  [[nodiscard]] double step_s() const { return figures_.step_us * 1e-6; }

  // All of `threads` together.
  [[nodiscard]] double read_bytes_per_s(double threads) const;

  // How much slower each thread computes when `threads` of the host do: 1 = not at all.
  [[nodiscard]] double slowdown(double threads) const;

  // Seconds of a collective over a tensor of `bytes`; 0 for one rank. transport: "shm", "mpi".
  [[nodiscard]] double collective_s(std::string_view op, std::string_view transport, int ranks, double bytes) const;

 private:
  // Seconds per weight over rows, by threads.
  using ByThreads = std::map<int, Curve>;
  struct Format {
    ByThreads resident, streamed;  // weights that a cache holds; weights from memory
    Curve output;                  // over rows: seconds of one output by itself, one thread
    Curve slice;                   // over rows: seconds that a slice adds to one output, one thread
  };
  [[nodiscard]] const std::string& measured_format(std::string_view name) const;
  [[nodiscard]] const Format& format(std::string_view name) const {
    return formats_.find(measured_format(name))->second;
  }
  [[nodiscard]] static double per_weight(const ByThreads& curves, double threads, double rows);
  [[nodiscard]] double streamed_share(double working_set_mb, double threads) const;
  void fill_format(const std::string& name);
  void fill_streamed_share();

  const HostFigures& figures_;
  std::map<std::string, Format, std::less<>> formats_;
  // threads → over log2(working set in MB): 0 = all from the cache, 1 = all from memory
  std::map<int, Curve> streamed_share_;
  [[nodiscard]] double attention_point(const std::string& format, bool streamed, double group, double head_dim,
                                       double context) const;

  // format, streamed, head_dim, group → seconds over context
  std::map<std::tuple<std::string, bool, int64_t, int64_t>, Curve> attention_;
  std::map<std::pair<std::string, std::string>, std::map<int, Curve>> collectives_;  // op, transport → ranks → s
};

}  // namespace kerf
