// Any bytes as a safetensors file, and as the header of one with 64 bytes of data.
#include <cstdint>
#include <span>
#include <string>

#include "kerf/base/check.h"
#include "kerf/io/safetensors.h"

namespace {

void parse(std::span<const std::byte> file) {
  const auto tensors = kerf::parse_safetensors(file, "f");
  if (!tensors.ok()) return;
  uint64_t end = tensors->empty() ? file.size() : tensors->front().offset;
  for (const kerf::TensorInfo& tensor : *tensors) {
    KERF_CHECK(tensor.offset == end, "overlap or hole");
    KERF_CHECK(tensor.bytes <= file.size() - tensor.offset, "tensor outside the file");
    end += tensor.bytes;
  }
  KERF_CHECK(end == file.size(), "bytes of no tensor");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  parse(input);

  std::string wrapped(8, '\0');
  for (size_t i = 0; i < 8; ++i) wrapped[i] = static_cast<char>(uint64_t{size} >> (8 * i));
  wrapped.append(reinterpret_cast<const char*>(data), size).append(64, '\0');
  parse(std::as_bytes(std::span(wrapped)));
  return 0;
}
