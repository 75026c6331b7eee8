// All algorithms over an instruction set's simd header, and the table of them. Included inside the
// instruction set's own anonymous namespace, after the simd header.

// clang-format off
#include "kerf/kernels/math.inc.h"
#include "kerf/kernels/quantise.inc.h"
#include "kerf/kernels/elementwise.inc.h"
#include "kerf/kernels/attention.inc.h"
#include "kerf/kernels/sums.inc.h"
#include "kerf/kernels/matmul_int.inc.h"
#include "kerf/kernels/matmul.inc.h"
// clang-format on

template <typename Step>
constexpr MatmulKernel matmul_kernel(decltype(MatmulKernel::pack) pack, decltype(MatmulKernel::prepare) prepare) {
  return {packed_bytes<Step::kFormat>, pack, prepared_bytes<Step::kFormat>, prepare, matmul<Step>};
}
template <typename Step>
constexpr MatmulKernel float_kernel(decltype(MatmulKernel::prepare) prepare) {
  return matmul_kernel<Step>(pack<Step::kFormat>, prepare);
}
template <typename Step>
constexpr MatmulKernel int_kernel() {
  return matmul_kernel<Step>(pack_groups<Step>, prepare_groups<Step>);
}

constexpr Kernels make_table(std::string_view isa) {
  Kernels table{};
  table.isa = isa;
  table.matmul[static_cast<int>(WeightFormat::kF32)] = float_kernel<StepF32>(prepare_f32<WeightFormat::kF32>);
  table.matmul[static_cast<int>(WeightFormat::kF16)] = float_kernel<StepF16>(prepare_f32<WeightFormat::kF16>);
  table.matmul[static_cast<int>(WeightFormat::kBF16)] = float_kernel<StepBF16>(prepare_bf16);
  table.matmul[static_cast<int>(WeightFormat::kInt8)] = int_kernel<StepInt8>();
  table.matmul[static_cast<int>(WeightFormat::kInt4)] = int_kernel<StepInt4>();
  table.attention = attention;
  table.attention_block = attention_block;
  table.attention_merge = attention_merge;
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
