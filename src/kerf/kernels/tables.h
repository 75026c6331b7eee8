// The tables that a build may hold; dispatch.cc chooses, the ISA files define.
#pragma once

#include "kerf/kernels/kernels.h"

namespace kerf {

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

}  // namespace kerf
