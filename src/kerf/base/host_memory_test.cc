#include "kerf/base/host_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace kerf {
namespace {

TEST(HostMemory, IsNoMoreThanTheMachineHas) {
  const int64_t bytes = host_memory_bytes();
  EXPECT_GT(bytes, 0);
  EXPECT_LE(bytes, int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE));
}

}  // namespace
}  // namespace kerf
