#include "kerf/apps/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace kerf {

Result<OutputFile> OutputFile::create(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool direct = std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored);
  std::filesystem::path temporary;
  if (!direct) temporary = fmt::format("{}.{}.tmp", path.string(), getpid());
  Handle handle(direct ? std::fopen(path.c_str(), "wb") : std::fopen(temporary.c_str(), "wbx"), &std::fclose);
  if (!handle) return fail("{}: cannot be created: {}", path.string(), std::strerror(errno));
  return OutputFile(path, std::move(temporary), std::move(handle));
}

OutputFile::~OutputFile() {
  if (!handle_ || temporary_.empty()) return;
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
  if (!temporary_.empty()) std::filesystem::rename(temporary_, path_, error);
  if (error) return fail("{}: cannot be created: {}", path_.string(), error.message());
  handle_.reset();
  return Ok{};
}

}  // namespace kerf
