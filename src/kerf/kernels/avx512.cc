// GCC 12's own AVX-512 header trips these warnings (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

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
