#include <bit>
#include <cstddef>
#include <cstdint>

#include "kerf/kernels/element.h"
#include "kerf/kernels/kernels.h"
#include "kerf/kernels/packing.h"
#include "kerf/kernels/tables.h"
#include "kerf/spec/reduction.h"

namespace kerf {
namespace scalar {
namespace {

// clang-format off
#include "kerf/kernels/simd_scalar.h"
#include "kerf/kernels/table.inc.h"
// clang-format on

}  // namespace
}  // namespace scalar

constinit const Kernels kScalarKernels = scalar::make_table("scalar");

}  // namespace kerf
