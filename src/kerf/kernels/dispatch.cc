#include <fmt/core.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kerf/kernels/kernels.h"
#include "kerf/kernels/tables.h"

namespace kerf {
namespace {

std::vector<const Kernels*> detect() {
  std::vector<const Kernels*> tables;
  tables.push_back(&kScalarKernels);
  return tables;
}

const Kernels& choose() {
  const char* wanted = std::getenv("KERF_ISA");
  if (wanted == nullptr || *wanted == '\0') return *available_kernels().front();
  std::vector<std::string_view> names;
  for (const Kernels* table : available_kernels()) {
    if (table->isa == wanted) return *table;
    names.push_back(table->isa);
  }
  fmt::print(stderr, "kerf: KERF_ISA={}: this machine has {}; unset it to use the first\n", wanted,
             fmt::join(names, ", "));
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
