#include "kerf/io/tokenizer/byte_alphabet.h"

#include <array>

#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

struct Alphabet {
  std::array<std::string, 256> symbol;       // byte -> character
  std::array<int16_t, 0x100 + 256> byte_of;  // code point -> byte, -1 for none

  Alphabet() {
    byte_of.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const char32_t code_point = printable ? static_cast<char32_t>(byte) : next++;
      append_utf8(symbol[static_cast<size_t>(byte)], code_point);
      byte_of[code_point] = static_cast<int16_t>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

std::string_view byte_symbol(uint8_t byte) { return alphabet().symbol[byte]; }

std::string to_byte_symbols(std::string_view bytes) {
  std::string symbols;
  for (const char byte : bytes) symbols += byte_symbol(static_cast<uint8_t>(byte));
  return symbols;
}

std::optional<std::string> from_byte_symbols(std::string_view symbols) {
  std::string bytes;
  while (!symbols.empty()) {
    const Utf8Sequence sequence = first_utf8(symbols);
    const char32_t code_point = sequence.code_point;
    if (sequence.state != Utf8State::kValid || code_point >= alphabet().byte_of.size()) return std::nullopt;
    const int16_t byte = alphabet().byte_of[code_point];
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
    symbols.remove_prefix(sequence.length);
  }
  return bytes;
}

}  // namespace kerf
