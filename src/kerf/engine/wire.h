// Reading and writing of the engine's messages: integers as varints (LEB128; signed ones zigzag), doubles and
// float arrays as little-endian IEEE bytes, lists with their length in front.
//
// A reader never reads beyond its bytes and never allocates more than a small multiple of them. After
// the first error every read gives zero, so that a message is parsed straight through and checked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

using Bytes = std::vector<std::byte>;

class WireWriter {
 public:
  void u64(uint64_t value);
  void i64(int64_t value);
  void f64(double value);
  void text(std::string_view value);
  void floats(std::span<const float> values);
  // Small differences between neighbours take a byte each.
  void differences(std::span<const int32_t> values);

  [[nodiscard]] Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

class WireReader {
 public:
  // what: "step", for the error's sentence. The bytes must outlive the reader.
  WireReader(std::span<const std::byte> bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  uint64_t u64();
  int64_t i64();
  // Fail outside [low, high].
  int64_t i64_in(int64_t low, int64_t high);
  int32_t i32_in(int32_t low, int32_t high) { return static_cast<int32_t>(i64_in(low, high)); }
  bool flag() { return i64_in(0, 1) == 1; }
  double f64();
  std::string text();
  std::vector<float> floats();
  // Appends `count` values, each in [0, 2^31).
  void differences(size_t count, std::vector<int32_t>& values);
  // The length of a list whose entries take at least a byte each.
  size_t length();

  void reject(std::string_view why);
  [[nodiscard]] bool ok() const { return error_.empty(); }
  // ok() and nothing left.
  [[nodiscard]] Status finish();

 private:
  std::span<const std::byte> take(size_t count);

  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  std::string_view what_;
  std::string error_;
};

}  // namespace kerf
