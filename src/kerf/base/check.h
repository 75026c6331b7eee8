// KERF_CHECK(condition, message): a broken invariant of kerf itself ends the process with context.
// Never used for what a user, a file or the network can cause.
#pragma once

#include <string_view>

namespace kerf {

[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view message) noexcept;

}  // namespace kerf

#define KERF_CHECK(condition, ...)                                                           \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      ::kerf::check_failed(__FILE__, __LINE__, #condition, ::std::string_view{__VA_ARGS__}); \
    }                                                                                        \
  } while (false)
