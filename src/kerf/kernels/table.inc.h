// All algorithms over an instruction set's simd header, and the table of them. Included inside the
// instruction set's own anonymous namespace, after the simd header.

// clang-format off
#include "kerf/kernels/math.inc.h"
#include "kerf/kernels/elementwise.inc.h"
#include "kerf/kernels/attention.inc.h"
#include "kerf/kernels/matmul.inc.h"
// clang-format on

template <typename Step, void (*kPrepare)(const float*, int64_t, int64_t, const KSlices&, std::byte*)>
constexpr MatmulKernel matmul_kernel() {
  return {packed_bytes<Step::kFormat>, pack<Step::kFormat>, prepared_bytes<Step::kFormat>, kPrepare, matmul<Step>};
}

constexpr Kernels make_table(std::string_view isa) {
  Kernels table{};
  table.isa = isa;
  table.matmul[static_cast<int>(WeightFormat::kF32)] = matmul_kernel<StepF32, prepare_f32<WeightFormat::kF32>>();
  table.matmul[static_cast<int>(WeightFormat::kF16)] = matmul_kernel<StepF16, prepare_f32<WeightFormat::kF16>>();
  table.matmul[static_cast<int>(WeightFormat::kBF16)] = matmul_kernel<StepBF16, prepare_bf16>();
  table.attention = attention;
  table.store_key = store_key;
  table.store_value = store_value;
  table.rms_norm = rms_norm;
  table.rope = rope;
  table.add = add_to;
  table.scale = scale;
  table.softcap = softcap;
  table.silu_mul = silu_mul;
  table.gelu_tanh_mul = gelu_tanh_mul;
  table.widen = widen_any;
  return table;
}
