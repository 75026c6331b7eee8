// Random numbers for seeds that a client does not give, and for names of answers.
#pragma once

#include <cstdint>
#include <string>

namespace kerf {

// Threading: any thread.
[[nodiscard]] uint64_t random_bits();

// Letters and digits.
[[nodiscard]] std::string random_name(size_t length);

}  // namespace kerf
