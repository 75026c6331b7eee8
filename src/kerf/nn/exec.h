// Exec: what an operator computes with on this rank.
#pragma once

#include "kerf/base/arena.h"
#include "kerf/base/thread_pool.h"
#include "kerf/kernels/kernels.h"

namespace kerf {

struct Exec {
  const Kernels& kernels;
  ThreadPool& pool;
  Arena& scratch;
};

}  // namespace kerf
