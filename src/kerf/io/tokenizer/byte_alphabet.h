// GPT-2's alphabet: the 256 byte values written as 256 printable characters, so that a byte-level
// vocabulary is text. Printable Latin-1 bytes stand for themselves, the others for U+0100 onwards in
// order (a space is "Ġ", a newline "Ċ").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kerf {

// The character (UTF-8) that stands for `byte`.
std::string_view byte_symbol(uint8_t byte);

// `bytes`, each written as its character.
std::string to_byte_symbols(std::string_view bytes);

// The bytes that `symbols` stands for; nothing when a character of it stands for no byte.
std::optional<std::string> from_byte_symbols(std::string_view symbols);

}  // namespace kerf
