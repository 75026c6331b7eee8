// What one rendering of a chat template may use. Templates come with downloaded models, so they are
// untrusted programs: each bound turns "hangs" or "eats the machine" into one clear error.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kerf {

struct TemplateLimits {
  // Nested evaluations: expression in expression, macro in macro, loop in loop. A frame takes up to
  // 1 KiB of stack (5 KiB under sanitizers), which must fit a thread's default stack of 8 MiB.
  size_t max_depth = 1000;
  // Bytes of rendered text.
  size_t max_output_bytes = size_t{16} << 20;
  // Bytes held at one moment by all strings, lists and dicts the template made.
  size_t max_memory_bytes = size_t{128} << 20;
  // Evaluated nodes, iterations, and bytes moved (256 bytes count as a step). 20 million steps take
  // about two seconds; a chat of 100 messages takes about 20 thousand.
  uint64_t max_steps = 20'000'000;
};

}  // namespace kerf
