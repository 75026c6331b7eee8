#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "kerf/kernels/kernels.h"
#include "kerf/kernels/tables.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace kerf {
namespace {

#ifdef __x86_64__
// What the operating system saves on a context switch (XCR0): SSE and AVX; with AVX-512 also its
// masks and upper registers.
constexpr uint32_t kAvxState = 0x06;
constexpr uint32_t kAvx512State = 0xe6;

// Leaf 1 of CPUID, ecx; __builtin_cpu_supports of older compilers does not know f16c.
uint32_t cpuid_features() {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  __get_cpuid(1, &eax, &ebx, &ecx, &edx);
  return ecx;
}

bool system_saves(uint32_t state) {
  if ((cpuid_features() & bit_OSXSAVE) == 0) return false;
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & state) == state;
}

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && (cpuid_features() & bit_F16C) != 0 &&
         system_saves(kAvxState);
}

// A processor with AVX-512 but without its bf16 and byte dots uses the AVX2 table.
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni") && system_saves(kAvx512State);
}
#endif

std::vector<const Kernels*> detect() {
  std::vector<const Kernels*> tables;
#ifdef __x86_64__
  if (has_avx512()) tables.push_back(&kAvx512Kernels);
  if (has_avx2()) tables.push_back(&kAvx2Kernels);
#endif
  tables.push_back(&kScalarKernels);
  return tables;
}

const Kernels& choose() {
  const char* wanted = std::getenv("KERF_ISA");
  if (wanted == nullptr || *wanted == '\0') return *available_kernels().front();
  std::string names;
  for (const Kernels* table : available_kernels()) {
    if (table->isa == wanted) return *table;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", table->isa);
  }
  fmt::print(stderr, "kerf: KERF_ISA={} is not available here; use one of {}, or unset it to use the first\n", wanted,
             names);
  std::exit(2);
}

}  // namespace

std::span<const Kernels* const> available_kernels() {
  static const std::vector<const Kernels*> tables = detect();
  return tables;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace kerf
