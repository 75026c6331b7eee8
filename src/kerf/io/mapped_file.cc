#include "kerf/io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace kerf {

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

std::string last_error() { return std::generic_category().message(errno); }

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  // O_NONBLOCK: a named pipe is refused below instead of waited for.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (file.fd < 0 || fstat(file.fd, &status) != 0) return fail("cannot read {}: {}", path.string(), last_error());
  if (S_ISDIR(status.st_mode)) return fail("{} is a directory; expected a file", path.string());
  if (!S_ISREG(status.st_mode)) return fail("{} is not a regular file", path.string());
  if (status.st_size == 0) return fail("{} is empty; download it again", path.string());

  const auto size = static_cast<size_t>(status.st_size);
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (address == MAP_FAILED) return fail("cannot map {}: {}", path.string(), last_error());
  return MappedFile({static_cast<const std::byte*>(address), size});
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::string_view MappedFile::text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

void drop_pages(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const size_t into_page = reinterpret_cast<uintptr_t>(bytes.data()) % page;
  // Only advice: the pages are clean copies of the file, so neighbours on the same page lose nothing.
  madvise(const_cast<std::byte*>(bytes.data()) - into_page, into_page + bytes.size(), MADV_DONTNEED);
}

}  // namespace kerf
