#include "kerf/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace kerf {

void check_failed(const char* file, int line, const char* condition, std::string_view message) noexcept {
  std::fprintf(stderr, "kerf: internal error at %s:%d: %s is false%s%.*s\n", file, line, condition,
               message.empty() ? "" : ": ", static_cast<int>(message.size()), message.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace kerf
