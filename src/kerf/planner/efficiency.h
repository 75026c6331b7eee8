// How much of a device's peak figures programs reach, by architecture. Read from catalog/efficiency.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"

namespace kerf {

// A matmul with n rows sustains peak · share · n / (n + half_rows).
struct MatmulCurve {
  double share = 0.7;
  double half_rows = 64;
};

// Grouped matmuls of experts: the part of the bandwidth that reading them reaches, and the curve, with half_rows per
// expert.
struct ExpertCurve {
  double weights = 0.7;
  double share = 0.3;
  double half_rows = 20;
};

struct Efficiency {
  std::string architecture;  // "Hopper"
  double weights = 0.85;     // of the memory bandwidth, reading weights
  double kv_cache = 0.75;    // of the memory bandwidth, reading keys and values
  double attention = 0.5;    // of the bf16 peak, attention among a prompt's tokens
  MatmulCurve bf16;
  MatmulCurve fp8;
  MatmulCurve int8;
  MatmulCurve fp4;
  ExpertCurve expert_bf16;
  ExpertCurve expert_fp8;
  ExpertCurve expert_fp4;
  double overhead = 1;  // of an engine's launches, relative to Hopper: the hosts that come with the devices
  Basis basis = Basis::kAssumed;
  std::string source;
};

// All architectures of catalog/efficiency.json.
class EfficiencyCatalog {
 public:
  static Result<EfficiencyCatalog> read();
  // The figures of the device's architecture, found by compute capability; those of "other" where none matches.
  [[nodiscard]] const Efficiency& find(const DeviceKind& device) const;

  // For calibration, by name; nullptr when there is none.
  [[nodiscard]] Efficiency* named(std::string_view architecture);

 private:
  struct Entry {
    Efficiency efficiency;
    std::vector<int> compute_capabilities;
  };
  std::vector<Entry> entries_;
  size_t other_ = 0;
};

// What one device does with matmuls over weights of one format.
struct MatmulRate {
  double flops_per_s = 0;  // at very many rows
  double half_rows = 0;
};
// Formats that the device does not compute in (int4, AWQ, GPTQ anywhere; fp8 on Ampere) run at the bf16 rate.
[[nodiscard]] MatmulRate matmul_rate(const DeviceKind& device, const Efficiency& efficiency,
                                     const StorageFormat& format);

struct ExpertRate {
  double weights = 0;  // share of the memory bandwidth
  double flops_per_s = 0;
  double half_rows = 0;
};
[[nodiscard]] ExpertRate expert_rate(const DeviceKind& device, const Efficiency& efficiency,
                                     const StorageFormat& format);

// (a⁴ + b⁴)^¼: the longer of two times that overlap, rounded where they are close.
[[nodiscard]] double overlapped(double a_s, double b_s);

}  // namespace kerf
