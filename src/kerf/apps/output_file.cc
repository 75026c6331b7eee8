#include "kerf/apps/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace kerf {

Result<OutputFile> OutputFile::create(const std::filesystem::path& path) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.tmp", getpid());
  Handle handle(std::fopen(temporary.c_str(), "wbx"), &std::fclose);
  if (!handle) return fail("{}: cannot be created: {}", path.string(), std::strerror(errno));
  return OutputFile(path, std::move(temporary), std::move(handle));
}

OutputFile::~OutputFile() {
  if (!handle_) return;
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

Error OutputFile::write_error() const {
  return fail("{}: cannot be written: {}", path_.string(), std::strerror(errno));
}

Status OutputFile::write(const void* data, size_t bytes) {
  if (std::fwrite(data, 1, bytes, handle_.get()) != bytes) return write_error();
  return Ok{};
}

Status OutputFile::commit() {
  if (std::fflush(handle_.get()) != 0) return write_error();
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  if (error) return fail("{}: cannot be created: {}", path_.string(), error.message());
  handle_.reset();
  return Ok{};
}

}  // namespace kerf
