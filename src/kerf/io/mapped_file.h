// MappedFile: a file's bytes as read-only memory; pages come from disk when first touched.
//
// No read-ahead advice is given: a rank reads whole rows (where the kernel's own read-ahead helps)
// or strips of rows (where it backs off), and only the pages that it touches count as its own.
//
// A file that another process truncates after open() cannot be caught here: touching a lost page
// raises SIGBUS. Checkpoints are not rewritten in place while they are in use.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "kerf/base/result.h"

namespace kerf {

class MappedFile {
 public:
  // Fails when the path is missing, unreadable, empty, or not a regular file.
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  // The address stays the same when the MappedFile moves.
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::string_view text() const;

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

// Takes the pages under mapped bytes out of this process's memory; a later read brings them back.
// REQUIRES: bytes lie in a MappedFile.
void drop_pages(std::span<const std::byte> bytes);

}  // namespace kerf
