#include "kerf/io/grammar/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "kerf/io/grammar/byte_range.h"
#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

using Range = CodePoints::Range;

std::string utf8(char32_t c) {
  std::string text;
  append_utf8(text, c);
  return text;
}

// What stands as it is, in pieces whose UTF-8 has one length.
constexpr std::array<Range, 7> kRaw = {
    {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, 0x10FFFF}}};

// The continuation bytes of two neighbours of kRaw's pieces are free of gaps except after E0, ED, F0 and F4, which
// byte_range respects because `low` and `high` are themselves well-formed.
void raw(Nfa& nfa, Nfa::State from, Nfa::State to, Range range, EdgeFlags flags) {
  for (const Range& piece : kRaw) {
    const char32_t low = std::max(piece.low, range.low);
    const char32_t high = std::min(piece.high, range.high);
    if (low <= high) byte_range(nfa, from, to, utf8(low), utf8(high), 0x80, 0xBF, flags);
  }
}

std::string escape_of(char32_t c) {
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
  }
}

void literal(Nfa& nfa, Nfa::State from, Nfa::State to, std::string_view text, EdgeFlags flags) {
  nfa.skip(nfa.literal(from, text, flags), to);
}

void hex_digit(Nfa& nfa, Nfa::State from, Nfa::State to) {
  nfa.bytes(from, '0', '9', to);
  nfa.bytes(from, 'A', 'F', to);
  nfa.bytes(from, 'a', 'f', to);
}

void hex_digits(Nfa& nfa, Nfa::State from, Nfa::State to, int count) {
  for (; count > 1; --count) {
    const Nfa::State next = nfa.add();
    hex_digit(nfa, from, next);
    from = next;
  }
  hex_digit(nfa, from, to);
}

// The four digits after \u: of a character, or of a high surrogate and then \u and a low one.
void unicode_escape(Nfa& nfa, Nfa::State from, Nfa::State to) {
  const Nfa::State three = nfa.add();
  nfa.bytes(from, '0', '9', three);
  for (const char letter : {'A', 'a'}) {
    const auto base = static_cast<uint8_t>(letter);
    nfa.bytes(from, base, base + 2, three);      // A to C
    nfa.bytes(from, base + 4, base + 5, three);  // E, F
  }
  hex_digits(nfa, three, to, 3);

  const Nfa::State d = nfa.bytes(from, 'D', 'D');
  nfa.bytes(from, 'd', 'd', d);
  const Nfa::State two = nfa.bytes(d, '0', '7');  // D000 to D7FF are characters
  hex_digits(nfa, two, to, 2);
  const Nfa::State high = nfa.bytes(d, '8', '9');
  nfa.bytes(d, 'A', 'B', high);
  nfa.bytes(d, 'a', 'b', high);
  const Nfa::State low = nfa.add();
  hex_digits(nfa, high, low, 2);
  Nfa::State at = nfa.literal(low, "\\u");
  const Nfa::State low_d = nfa.bytes(at, 'D', 'D');
  nfa.bytes(at, 'd', 'd', low_d);
  at = nfa.bytes(low_d, 'C', 'F');
  nfa.bytes(low_d, 'c', 'f', at);
  hex_digits(nfa, at, to, 2);
}

int64_t power_of_ten(int exponent) {
  int64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

// Whole numbers from low to high, both at least 0.
void digits(Nfa& nfa, Nfa::State from, Nfa::State to, int64_t low, int64_t high) {
  for (int length = 1; length <= kIntegerDigits; ++length) {
    const int64_t least = std::max(low, length == 1 ? 0 : power_of_ten(length - 1));
    const int64_t most = std::min(high, power_of_ten(length) - 1);
    if (least <= most) byte_range(nfa, from, to, std::to_string(least), std::to_string(most), '0', '9');
  }
}

// "." and up to kNumberDigits digits, of which one at least is not 0 if `positive`, or none is if `zero`.
void fraction(Nfa& nfa, Nfa::State from, Nfa::State to, bool positive, bool zero) {
  Nfa::State zeros = nfa.literal(from, ".");
  Nfa::State some = nfa.add();
  for (int i = 0; i < kNumberDigits; ++i) {
    const Nfa::State next_zeros = nfa.bytes(zeros, '0', '0');
    const Nfa::State next_some = nfa.add();
    if (!zero) {
      nfa.bytes(zeros, '1', '9', next_some);
      if (i > 0) nfa.bytes(some, '0', '9', next_some);
      nfa.skip(next_some, to);
    }
    if (!positive) nfa.skip(next_zeros, to);
    zeros = next_zeros;
    some = next_some;
  }
}

// Numbers of one sign, by their distance from zero: low to high; kIntegerLimit stands for no bound.
void magnitudes(Nfa& nfa, Nfa::State from, Nfa::State to, int64_t low, bool without_low, int64_t high,
                bool without_high) {
  if (low > high || (low == high && (without_low || without_high))) return;
  const auto at = [&](int64_t value) { return nfa.literal(from, std::to_string(value)); };
  if (low == high) {
    const Nfa::State exact = at(low);
    nfa.skip(exact, to);
    fraction(nfa, exact, to, false, true);
    return;
  }
  const Nfa::State first = at(low);
  fraction(nfa, first, to, without_low, false);
  if (!without_low) nfa.skip(first, to);
  if (low + 1 <= high - 1) {
    const Nfa::State middle = nfa.add();
    digits(nfa, from, middle, low + 1, high - 1);
    nfa.skip(middle, to);
    fraction(nfa, middle, to, false, false);
  }
  if (without_high) return;
  const Nfa::State last = at(high);
  nfa.skip(last, to);
  fraction(nfa, last, to, false, true);
}

}  // namespace

void json_character(Nfa& nfa, Nfa::State from, Nfa::State to, const CodePoints& set, EdgeFlags flags) {
  for (const Range& range : set.ranges()) {
    raw(nfa, from, to, range, flags);
    for (char32_t c = range.low; c <= std::min<char32_t>(range.high, '\\'); ++c) {
      if (c < 0x20 || c == '"' || c == '\\') literal(nfa, from, to, escape_of(c), flags);
    }
  }
}

void json_character_any_spelling(Nfa& nfa, Nfa::State from, Nfa::State to, EdgeFlags flags) {
  raw(nfa, from, to, {0, CodePoints::kLast}, flags);
  const Nfa::State escape = nfa.bytes(from, '\\', '\\', flags);
  for (const char c : {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'}) {
    nfa.bytes(escape, static_cast<uint8_t>(c), static_cast<uint8_t>(c), to);
  }
  unicode_escape(nfa, nfa.bytes(escape, 'u', 'u'), to);
}

Nfa::State json_integer(Nfa& nfa, Nfa::State from, const NumberBounds& bounds) {
  const Nfa::State to = nfa.add();
  const int64_t min = bounds.min.value_or(-kIntegerLimit);
  const int64_t max = bounds.max.value_or(kIntegerLimit);
  if (max >= 0) digits(nfa, from, to, std::max<int64_t>(0, min), max);
  if (min < 0) digits(nfa, nfa.literal(from, "-"), to, std::max<int64_t>(1, -max), -min);
  return to;
}

Nfa::State json_number(Nfa& nfa, Nfa::State from, const NumberBounds& bounds) {
  const Nfa::State to = nfa.add();
  if (bounds.min || bounds.max) {
    const int64_t min = bounds.min.value_or(-kIntegerLimit);
    const int64_t max = bounds.max.value_or(kIntegerLimit);
    const bool max_is_open = bounds.exclusive_max && bounds.max;
    const bool min_is_open = bounds.exclusive_min && bounds.min;
    if (max >= 0) magnitudes(nfa, from, to, std::max<int64_t>(0, min), min_is_open && min >= 0, max, max_is_open);
    if (min < 0) {
      const int64_t least = std::max<int64_t>(0, -max);
      // "-0" is zero, which a positive number's range has already.
      magnitudes(nfa, nfa.literal(from, "-"), to, least, least == 0 || max_is_open, -min, min_is_open);
    }
    return to;
  }
  const Nfa::State sign = nfa.literal(from, "-");
  nfa.skip(from, sign);
  const Nfa::State whole = nfa.add();
  digits(nfa, sign, whole, 0, power_of_ten(kNumberDigits) - 1);
  nfa.skip(whole, to);
  const Nfa::State with_fraction = nfa.add();
  fraction(nfa, whole, with_fraction, false, false);
  nfa.skip(with_fraction, to);
  const Nfa::State exponent = nfa.bytes(whole, 'E', 'E');
  nfa.bytes(whole, 'e', 'e', exponent);
  nfa.bytes(with_fraction, 'E', 'E', exponent);
  nfa.bytes(with_fraction, 'e', 'e', exponent);
  const Nfa::State exponent_sign = nfa.bytes(exponent, '+', '+');
  nfa.bytes(exponent, '-', '-', exponent_sign);
  nfa.skip(exponent, exponent_sign);
  const Nfa::State one_digit = nfa.bytes(exponent_sign, '0', '9');
  nfa.skip(one_digit, to);
  nfa.bytes(one_digit, '0', '9', to);
  return to;
}

}  // namespace kerf
