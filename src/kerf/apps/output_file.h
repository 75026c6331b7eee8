// A file that appears whole or not at all.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "kerf/base/result.h"

namespace kerf {

// Writes to a temporary name beside the target; commit() renames it. Without commit() nothing stays. What is no
// regular file, /dev/stdout say, is written to directly.
class OutputFile {
 public:
  [[nodiscard]] static Result<OutputFile> create(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(OutputFile&&) noexcept = default;
  OutputFile& operator=(OutputFile&&) noexcept = default;

  [[nodiscard]] Status write(const void* data, size_t bytes);
  [[nodiscard]] Status commit();

 private:
  using Handle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  OutputFile(std::filesystem::path path, std::filesystem::path temporary, Handle handle)
      : path_(std::move(path)), temporary_(std::move(temporary)), handle_(std::move(handle)) {}
  [[nodiscard]] Error write_error() const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty: written to directly
  Handle handle_;                    // null once committed or moved from
};

}  // namespace kerf
