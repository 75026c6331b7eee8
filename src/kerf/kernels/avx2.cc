#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kerf/kernels/element.h"
#include "kerf/kernels/kernels.h"
#include "kerf/kernels/packing.h"
#include "kerf/kernels/tables.h"
#include "kerf/spec/reduction.h"

namespace kerf {
namespace avx2 {
namespace {

// clang-format off
#include "kerf/kernels/simd_avx2.h"
#include "kerf/kernels/table.inc.h"
// clang-format on

}  // namespace
}  // namespace avx2

constinit const Kernels kAvx2Kernels = avx2::make_table("avx2");

}  // namespace kerf
