#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kerf/kernels/element.h"
#include "kerf/kernels/kernels.h"
#include "kerf/kernels/packing.h"
#include "kerf/kernels/tables.h"
#include "kerf/spec/reduction.h"

namespace kerf {
namespace avx512 {
namespace {

// clang-format off
#include "kerf/kernels/simd_avx512.h"
#include "kerf/kernels/table.inc.h"
// clang-format on

}  // namespace
}  // namespace avx512

constinit const Kernels kAvx512Kernels = avx512::make_table("avx512");

}  // namespace kerf
