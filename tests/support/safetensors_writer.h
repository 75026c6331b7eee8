// Writes safetensors files for tests: well-formed ones, and headers bent on purpose.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/spec/dtype.h"

namespace kerf::testing {

struct RawTensor {
  std::string name;
  std::string dtype;  // as safetensors spells it: "F32", "F16", "BF16", …
  std::vector<int64_t> shape;
  std::string bytes;  // little-endian
};

inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  EXPECT_TRUE(out.good()) << path;
}

// A file from any header text and data: u64 length, header, data.
inline std::string safetensors_file(std::string_view header, std::string_view data) {
  std::string file(8, '\0');
  for (size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(uint64_t{header.size()} >> (8 * i));
  return file.append(header).append(data);
}

inline void write_safetensors(const std::filesystem::path& path, const std::vector<RawTensor>& tensors) {
  nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const RawTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  write_file(path, safetensors_file(text, data));
}

// Rounded to nearest, ties to even. REQUIRES: finite.
inline uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

// Rounded to nearest, ties to even. REQUIRES: |value| < 65504.
inline uint16_t to_f16(float value) {
  const uint32_t sign = (std::bit_cast<uint32_t>(value) >> 16) & 0x8000;
  const float magnitude = std::fabs(value);
  if (magnitude < 0x1p-14F)
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(std::nearbyint(magnitude * 0x1p24F)));
  const auto bits = std::bit_cast<uint32_t>(magnitude);
  return static_cast<uint16_t>(sign | ((bits + 0xFFF + ((bits >> 13) & 1) - (uint32_t{112} << 23)) >> 13));
}

// A RawTensor of the given values in f32, f16 or bf16.
inline RawTensor raw_tensor(std::string name, DType dtype, std::vector<int64_t> shape,
                            const std::vector<float>& values) {
  RawTensor tensor{std::move(name),
                   dtype == DType::kF32   ? "F32"
                   : dtype == DType::kF16 ? "F16"
                                          : "BF16",
                   std::move(shape),
                   {}};
  for (const float value : values) {
    const uint32_t bits = dtype == DType::kF32   ? std::bit_cast<uint32_t>(value)
                          : dtype == DType::kF16 ? to_f16(value)
                                                 : to_bf16(value);
    for (size_t i = 0; i < size_of(dtype); ++i) tensor.bytes += static_cast<char>(bits >> (8 * i));
  }
  return tensor;
}

}  // namespace kerf::testing
