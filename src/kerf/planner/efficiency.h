// How much of a device's peak figures programs reach, by architecture. Read from catalog/efficiency.json.
#pragma once

#include <string>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"

namespace kerf {

// A matmul with n rows sustains peak · share · n / (n + half_rows).
struct MatmulCurve {
  double share = 0.7;
  double half_rows = 64;
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
  Basis basis = Basis::kAssumed;
  std::string source;
};

// The figures of the device's architecture, found by compute capability; those of "other" where none matches.
[[nodiscard]] Result<Efficiency> find_efficiency(const DeviceKind& device);

// What one device does with matmuls over weights of one format.
struct MatmulRate {
  double flops_per_s = 0;  // at very many rows
  double half_rows = 0;
};
// Formats that the device does not compute in (int4, AWQ, GPTQ anywhere; fp8 on Ampere) run at the bf16 rate.
[[nodiscard]] MatmulRate matmul_rate(const DeviceKind& device, const Efficiency& efficiency,
                                     const StorageFormat& format);

// (a⁴ + b⁴)^¼: the longer of two times that overlap, rounded where they are close.
[[nodiscard]] double overlapped(double a_s, double b_s);

}  // namespace kerf
