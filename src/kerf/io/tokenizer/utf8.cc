#include "kerf/io/tokenizer/utf8.h"

#include <cstdint>
#include <cstring>

namespace kerf {
namespace {

// Table 3-7 of the standard: the number of bytes, and the range that the second byte must lie in.
struct Lead {
  size_t length;
  uint8_t low, high;
};

Lead lead_of(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// How many bytes at the start are ASCII, eight at a time.
size_t ascii_prefix(std::string_view text) {
  size_t at = 0;
  for (uint64_t word = 0; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & 0x8080808080808080U) != 0) break;
  }
  while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) ++at;
  return at;
}

}  // namespace

Utf8Sequence first_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const Lead lead = lead_of(byte(0));
  if (lead.length == 0) return {Utf8State::kInvalid, 1, 0};
  if (lead.length == 1) return {Utf8State::kValid, 1, byte(0)};
  char32_t code_point = byte(0) & (0x7FU >> lead.length);
  for (size_t i = 1; i < lead.length; ++i) {
    if (i == text.size()) return {Utf8State::kIncomplete, i, 0};
    const uint8_t low = i == 1 ? lead.low : 0x80;
    const uint8_t high = i == 1 ? lead.high : 0xBF;
    if (byte(i) < low || byte(i) > high) return {Utf8State::kInvalid, i, 0};
    code_point = (code_point << 6) | (byte(i) & 0x3FU);
  }
  return {Utf8State::kValid, lead.length, code_point};
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  const auto continuation = [&](unsigned shift) { put(0x80 | ((code_point >> shift) & 0x3F)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    continuation(0);
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    continuation(6);
    continuation(0);
  } else {
    put(0xF0 | (code_point >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

std::string take_whole_characters(std::string& pending) {
  std::string whole;
  std::string_view rest = pending;
  while (!rest.empty()) {
    const size_t valid = valid_utf8_prefix(rest);
    whole += rest.substr(0, valid);
    rest.remove_prefix(valid);
    if (rest.empty()) break;
    const Utf8Sequence bad = first_utf8(rest);
    if (bad.state == Utf8State::kIncomplete) break;
    whole += kReplacementCharacter;
    rest.remove_prefix(bad.length);
  }
  pending.erase(0, pending.size() - rest.size());
  return whole;
}

size_t valid_utf8_prefix(std::string_view text) {
  size_t at = 0;
  while (true) {
    at += ascii_prefix(text.substr(at));
    if (at == text.size()) return at;
    const Utf8Sequence sequence = first_utf8(text.substr(at));
    if (sequence.state != Utf8State::kValid) return at;
    at += sequence.length;
  }
}

}  // namespace kerf
