#include "kerf/engine/wire.h"

#include <array>
#include <bit>
#include <cstring>

namespace kerf {

static_assert(std::endian::native == std::endian::little, "the wire format is little-endian");

void WireWriter::u64(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::byte>(value | 0x80));
  bytes_.push_back(static_cast<std::byte>(value));
}

void WireWriter::i64(int64_t value) {
  u64(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63));  // zigzag: 0, -1, 1, -2, …
}

void WireWriter::f64(double value) {
  const auto raw = std::bit_cast<std::array<std::byte, sizeof(double)>>(value);
  bytes_.insert(bytes_.end(), raw.begin(), raw.end());
}

void WireWriter::text(std::string_view value) {
  u64(value.size());
  const auto raw = std::as_bytes(std::span(value));
  bytes_.insert(bytes_.end(), raw.begin(), raw.end());
}

void WireWriter::floats(std::span<const float> values) {
  u64(values.size());
  const auto raw = std::as_bytes(values);
  bytes_.insert(bytes_.end(), raw.begin(), raw.end());
}

void WireWriter::differences(std::span<const int32_t> values) {
  int64_t previous = 0;
  for (const int32_t value : values) {
    i64(value - previous);
    previous = value;
  }
}

std::span<const std::byte> WireReader::take(size_t count) {
  if (count > bytes_.size() - at_) reject("it ends early");
  if (!ok()) return {};
  at_ += count;
  return bytes_.subspan(at_ - count, count);
}

uint64_t WireReader::u64() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = take(1);
    if (byte.empty()) return 0;
    const auto bits = static_cast<uint64_t>(byte[0]);
    if (shift == 63 && bits > 1) break;
    value |= (bits & 0x7f) << shift;
    if (bits < 0x80) return value;
  }
  reject("an integer is longer than 64 bits");
  return 0;
}

int64_t WireReader::i64() {
  const uint64_t zigzag = u64();
  return static_cast<int64_t>(zigzag >> 1 ^ (0 - (zigzag & 1)));
}

int64_t WireReader::i64_in(int64_t low, int64_t high) {
  const int64_t value = i64();
  if (ok() && value >= low && value <= high) return value;
  reject("a field is out of range");
  return low;
}

double WireReader::f64() {
  double value = 0;
  if (const auto raw = take(sizeof value); !raw.empty()) std::memcpy(&value, raw.data(), sizeof value);
  return value;
}

size_t WireReader::length() {
  const uint64_t count = u64();
  if (count <= bytes_.size() - at_) return count;
  reject("a list is longer than the message");
  return 0;
}

std::string WireReader::text() {
  const auto raw = take(length());
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

std::vector<float> WireReader::floats() {
  const size_t count = length();
  const auto raw = take(count * sizeof(float));  // length() keeps count small enough
  std::vector<float> values(raw.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), raw.data(), raw.size());
  return values;
}

void WireReader::differences(size_t count, std::vector<int32_t>& values) {
  int64_t value = 0;
  for (size_t i = 0; i < count && ok(); ++i) {
    value += i64_in(-int64_t{INT32_MAX}, INT32_MAX);
    if (value < 0 || value > INT32_MAX) reject("a field is out of range");
    values.push_back(static_cast<int32_t>(value));
  }
}

void WireReader::reject(std::string_view why) {
  if (ok()) error_ = fmt::format("a {} message of {} bytes is broken at byte {}: {}", what_, bytes_.size(), at_, why);
}

Status WireReader::finish() {
  if (at_ != bytes_.size()) reject("it goes on after its end");
  if (!ok()) return Error{error_};
  return Ok{};
}

}  // namespace kerf
