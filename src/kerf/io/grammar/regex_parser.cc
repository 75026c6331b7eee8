#include "kerf/io/grammar/regex_parser.h"

#include <algorithm>
#include <utility>

#include "kerf/io/json.h"
#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

constexpr int kMaxDepth = 50;     // of groups
constexpr int kMaxRepeat = 1000;  // as RE2 has it

using Kind = RegexNode::Kind;

RegexNode set_of(CodePoints set) { return {.kind = Kind::kSet, .set = std::move(set), .children = {}}; }

RegexNode repeat(RegexNode node, int min, int max) {
  RegexNode result{.kind = Kind::kRepeat, .set = {}, .children = {}, .min = min, .max = max};
  result.children.push_back(std::move(node));
  return result;
}

RegexNode anything() { return repeat(set_of(CodePoints::all()), 0, -1); }

const CodePoints& digit() {
  static const CodePoints set = {{'0', '9'}};
  return set;
}
const CodePoints& word() {
  static const CodePoints set = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return set;
}
const CodePoints& space() {  // WhiteSpace and LineTerminator of ECMA 262
  static const CodePoints set = {{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                                 {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                                 {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return set;
}
const CodePoints& line_end() {
  static const CodePoints set = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
  return set;
}

bool is_one(const CodePoints& set) { return set.ranges().size() == 1 && set.ranges()[0].low == set.ranges()[0].high; }

std::u32string decode(std::string_view text) {
  std::u32string decoded;
  while (!text.empty()) {
    const Utf8Sequence next = first_utf8(text);
    decoded += next.state == Utf8State::kValid ? next.code_point : U'\uFFFD';
    text.remove_prefix(next.length);
  }
  return decoded;
}

}  // namespace

RegexParser::RegexParser(std::string_view pattern) : pattern_(pattern), text_(decode(pattern)) {}

Error RegexParser::error(std::string_view why) const {
  return fail("'{}' {} at character {}", shown(pattern_), why, at_ + 1);
}

bool RegexParser::take(char32_t c) {
  if (!at(c)) return false;
  ++at_;
  return true;
}

bool RegexParser::take(std::u32string_view text) {
  if (std::u32string_view(text_).substr(at_, text.size()) != text) return false;
  at_ += text.size();
  return true;
}

// Anchors belong to the outermost alternatives.
Result<RegexNode> RegexParser::parse() {
  RegexNode all{.kind = Kind::kAlternatives, .set = {}, .children = {}};
  do {
    const bool from_start = take(U'^');
    RegexNode whole{.set = {}, .children = {}};
    if (!from_start) whole.children.push_back(anything());
    KERF_TRY(RegexNode inner, sequence(0));
    whole.children.push_back(std::move(inner));
    if (!take(U'$')) whole.children.push_back(anything());
    all.children.push_back(std::move(whole));
  } while (take(U'|'));
  if (!at_end()) return error(at(U')') ? "closes a group that is not open" : "has an anchor inside, not supported");
  return all;
}

Result<RegexNode> RegexParser::alternatives(int depth) {
  RegexNode all{.kind = Kind::kAlternatives, .set = {}, .children = {}};
  do {
    KERF_TRY(RegexNode next, sequence(depth));
    all.children.push_back(std::move(next));
  } while (take(U'|'));
  return all;
}

Result<RegexNode> RegexParser::sequence(int depth) {
  RegexNode result{.set = {}, .children = {}};
  while (!at_end() && !at(U'|') && !at(U')') && !at(U'$')) {
    KERF_TRY(RegexNode next, atom(depth));
    KERF_TRY(next, quantified(std::move(next)));
    result.children.push_back(std::move(next));
  }
  return result;
}

Result<RegexNode> RegexParser::atom(int depth) {
  if (take(U'(')) return group(depth);
  if (take(U'[')) {
    KERF_TRY(CodePoints set, bracket_class());
    return set_of(std::move(set));
  }
  if (take(U'.')) return set_of(line_end().complement());
  if (take(U'\\')) {
    KERF_TRY(CodePoints set, escape());
    return set_of(std::move(set));
  }
  if (at(U'^')) return error("has an anchor inside, not supported,");
  for (const char32_t c : U"*+?{") {
    if (c != 0 && at(c)) return error("has a character that wants a backslash before it");
  }
  const char32_t c = text_[at_++];
  return set_of({{c, c}});
}

Result<RegexNode> RegexParser::group(int depth) {
  if (depth == kMaxDepth) return error("nests groups too deeply");
  if (take(U"?<")) {
    if (at(U'=') || at(U'!')) return error("looks behind, which is not supported,");
    while (!at_end() && !at(U'>')) ++at_;  // a group's name
    if (!take(U'>')) return error("has a group's name without end");
  } else if (take(U'?') && !take(U':')) {
    return error("looks ahead or sets an option, which is not supported,");
  }
  KERF_TRY(RegexNode inner, alternatives(depth + 1));
  if (at(U'$')) return error("has an anchor inside a group, not supported,");
  if (!take(U')')) return error("has a group without end");
  return inner;
}

Result<RegexNode> RegexParser::quantified(RegexNode node) {
  int min = at(U'+') ? 1 : 0;
  int max = at(U'?') ? 1 : -1;
  if (take(U'{')) {
    const std::optional<int> low = number();
    if (!low) return error("has a { without a number");
    min = *low;
    max = min;
    if (take(U',')) max = at(U'}') ? -1 : number().value_or(-2);
    if (!take(U'}') || max == -2 || (max >= 0 && max < min)) return error("has a malformed {m,n}");
    if (std::max(min, max) > kMaxRepeat) return error("repeats more than 1000 times");
  } else if (!take(U'*') && !take(U'+') && !take(U'?')) {
    return node;
  }
  take(U'?');
  if (at(U'*') || at(U'+') || at(U'?') || at(U'{')) return error("repeats a repetition");
  return repeat(std::move(node), min, max);
}

std::optional<int> RegexParser::number() {
  std::optional<int> value;
  while (!at_end() && text_[at_] >= U'0' && text_[at_] <= U'9') {
    value = std::min(value.value_or(0) * 10 + static_cast<int>(text_[at_++] - U'0'), kMaxRepeat + 1);
  }
  return value;
}

Result<CodePoints> RegexParser::bracket_class() {
  const bool negated = take(U'^');
  CodePoints set;
  while (!take(U']')) {
    if (at_end()) return error("has a [ without ]");
    const auto item = [&]() -> Result<CodePoints> {
      if (take(U'\\')) return take(U'b') ? CodePoints{{'\b', '\b'}} : escape();
      const char32_t c = text_[at_++];
      return CodePoints{{c, c}};
    };
    KERF_TRY(CodePoints low, item());
    if (!at(U'-') || at_ + 1 >= text_.size() || text_[at_ + 1] == U']') {
      set.add(low);
      continue;
    }
    ++at_;
    KERF_TRY(const CodePoints high, item());
    if (!is_one(low) || !is_one(high) || low.ranges()[0].low > high.ranges()[0].low) {
      return error("has a malformed range");
    }
    set.add(low.ranges()[0].low, high.ranges()[0].low);
  }
  return negated ? set.complement() : set;
}

Result<CodePoints> RegexParser::escape() {
  if (at_end()) return error("ends in a backslash");
  const char32_t c = text_[at_++];
  const auto one = [](char32_t x) { return CodePoints{{x, x}}; };
  switch (c) {
    case U'd': return digit();
    case U'D': return digit().complement();
    case U'w': return word();
    case U'W': return word().complement();
    case U's': return space();
    case U'S': return space().complement();
    case U't': return one('\t');
    case U'n': return one('\n');
    case U'r': return one('\r');
    case U'f': return one('\f');
    case U'v': return one('\v');
    case U'0': return one(0);
    case U'x': {
      KERF_TRY(const char32_t x, hex(2));
      return one(x);
    }
    case U'u': {
      const bool braces = take(U'{');
      KERF_TRY(const char32_t x, hex(braces ? 0 : 4));
      if (braces && !take(U'}')) return error("has a malformed \\u{…}");
      return one(x);
    }
    default: break;
  }
  if ((c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'1' && c <= U'9')) {
    return error("has an escape that is not supported");
  }
  return one(c);
}

// So many hexadecimal digits; 0: all that are there.
Result<char32_t> RegexParser::hex(int digits) {
  char32_t value = 0;
  int seen = 0;
  for (; !at_end() && (digits == 0 || seen < digits); ++seen, ++at_) {
    const char32_t c = text_[at_];
    const bool letter = (c >= U'a' && c <= U'f') || (c >= U'A' && c <= U'F');
    if (!letter && (c < U'0' || c > U'9')) break;
    value = value * 16 + (letter ? (c | 0x20) - U'a' + 10 : c - U'0');
    if (value > CodePoints::kLast) return error("names a character beyond U+10FFFF");
  }
  if (seen == 0 || (digits != 0 && seen < digits)) return error("has a malformed hexadecimal escape");
  return value;
}

}  // namespace kerf
