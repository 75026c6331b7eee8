// The safetensors file format: u64 header length (little-endian), a JSON header, then raw tensor data.
// https://github.com/huggingface/safetensors#format
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/spec/dtype.h"

namespace kerf {

struct TensorInfo {
  std::string name;
  std::string dtype_name;      // as the file spells it: "BF16", "U8", …
  std::optional<DType> dtype;  // nothing when kerf cannot compute with it
  std::vector<int64_t> shape;
  uint64_t offset = 0;  // of its first byte from the start of the file
  uint64_t bytes = 0;
};

// The tensors of a whole file in memory, in the order of their data.
//
// Holds afterwards: every tensor lies inside the file, is as long as its shape and dtype say, and
// tensors cover the data exactly: no overlap, no hole, nothing behind the last. Touches only the header.
[[nodiscard]] Result<std::vector<TensorInfo>> parse_safetensors(std::span<const std::byte> file,
                                                                std::string_view file_name);

// "[512, 128]"
[[nodiscard]] std::string shape_string(std::span<const int64_t> shape);

}  // namespace kerf
