#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace kerf {

// SHA-256 of bytes given piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(const void* data, size_t bytes);
  // The digest of everything so far in lower-case hexadecimal. Call once.
  [[nodiscard]] std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace kerf
