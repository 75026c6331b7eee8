#include <gtest/gtest.h>

#include <cstdlib>

#include "kerf/kernels/kernels.h"

namespace kerf {
namespace {

TEST(Dispatch, EndsWithScalarAndEveryTableIsComplete) {
  ASSERT_FALSE(available_kernels().empty());
  EXPECT_EQ(available_kernels().back()->isa, "scalar");
  for (const Kernels* table : available_kernels()) {
    for (const MatmulKernel& kernel : table->matmul) {
      EXPECT_TRUE(kernel.packed_bytes && kernel.pack && kernel.prepared_bytes && kernel.prepare && kernel.matmul);
    }
    EXPECT_TRUE(table->attention && table->store_key && table->store_value && table->rms_norm && table->rope &&
                table->add && table->scale && table->softcap && table->silu_mul && table->gelu_tanh_mul && table->widen)
        << table->isa;
  }
}

// kernels() chooses once per process, so each choice is a child process.
void exit_with_choice(const char* wanted) {
  setenv("KERF_ISA", wanted, 1);
  std::exit(kernels().isa == wanted ? 0 : 1);
}

TEST(DispatchDeathTest, KerfIsaChoosesAnyAvailableTable) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (const Kernels* table : available_kernels()) {
    EXPECT_EXIT(exit_with_choice(table->isa.data()), testing::ExitedWithCode(0), "");
  }
}

TEST(DispatchDeathTest, UnknownKerfIsaIsRefusedByName) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(exit_with_choice("avx1024"), testing::ExitedWithCode(2), "KERF_ISA=avx1024 .* use one of .*scalar");
}

}  // namespace
}  // namespace kerf
