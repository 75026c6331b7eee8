#include <cmath>

#include "kerf/io/chat_template/attributes.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/format.h"
#include "kerf/io/chat_template/text_of.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

class PercentFormatter {
 public:
  PercentFormatter(Runtime& rt, std::string_view format, const Value& operand)
      : rt_(rt), format_(format), operand_(operand), out_(rt.meter()) {}

  std::string run() {
    while (at_ < format_.size()) {
      const size_t percent = std::min(format_.find('%', at_), format_.size());
      out_.append(format_.substr(at_, percent - at_));
      at_ = percent + 1;
      if (percent < format_.size()) convert();
    }
    // CPython takes whatever has items for a mapping, of which not all need be used.
    const bool mapping =
        operand_.is(Kind::kDict) || operand_.is_undefined() || (operand_.is(Kind::kList) && !is_tuple());
    const bool all_used = mapping || (is_tuple() ? used_ == operand_.list()->items.size() : used_ > 0);
    if (!all_used) raise("not all arguments converted during string formatting");
    return out_.take();
  }

 private:
  [[nodiscard]] bool is_tuple() const { return operand_.is(Kind::kList) && operand_.list()->is_tuple(); }
  [[nodiscard]] char peek() const {
    if (at_ >= format_.size()) raise("incomplete format");
    return format_[at_];
  }

  // The part of a conversion after its `%`.
  void convert() {
    std::optional<Value> named;
    if (peek() == '(') named = read_key();
    FormatSpec spec;
    read_flags(spec);
    spec.width = read_count(spec);
    if (peek() == '.') {
      ++at_;
      FormatSpec unused;
      spec.precision = read_count(unused);
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    const char type = format_[at_++];
    if (type == '%') return out_.append("%");
    write(named ? *named : next_argument(), type, spec);
  }

  Value read_key() {
    if (!operand_.is(Kind::kDict)) raise("format requires a mapping");
    const size_t close = format_.find(')', at_);
    if (close == std::string_view::npos) raise("incomplete format key");
    const std::string_view key = format_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    const Value* found = operand_.dict()->find(key);
    if (found == nullptr) raise("format key '{}' is missing", key);
    return *found;
  }

  void read_flags(FormatSpec& spec) {
    for (;; ++at_) {
      switch (peek()) {
        case '-': spec.align = '<'; break;
        case '+': spec.sign = '+'; break;
        case ' ':
          if (spec.sign != '+') spec.sign = ' ';
          break;
        case '#': spec.alternate = true; break;
        case '0':
          if (spec.align == '\0') spec.align = '=';
          break;
        default: return;
      }
    }
  }

  // A width or precision: digits, or `*` for an argument, which may turn the alignment.
  int64_t read_count(FormatSpec& spec) {
    if (peek() != '*') return read_digits(format_, at_);
    ++at_;
    const Value count = next_argument();
    if (!count.is_integral()) raise("* wants int");
    if (std::abs(static_cast<double>(count.integer())) > 1e9) raise("a width or precision in a format is too big");
    if (count.integer() < 0) spec.align = '<';
    return std::abs(count.integer());
  }

  Value next_argument() {
    const size_t count = is_tuple() ? operand_.list()->items.size() : 1;
    if (used_ >= count) raise("not enough arguments for format string");
    return is_tuple() ? operand_.list()->items[used_++] : (++used_, operand_);
  }

  void write(const Value& value, char type, FormatSpec spec) {
    if (type == 's' || type == 'r' || type == 'a') {
      std::string text = type == 's' ? str(rt_, value) : repr(rt_, value);
      if (spec.precision) text.resize(byte_offset(text, static_cast<size_t>(*spec.precision)));
      spec.align = spec.align == '<' ? '<' : '>';
      return append_formatted(out_, text, spec);
    }
    if (type == 'c') return write_character(value, spec);
    if (std::string_view("diuxXoeEfFgG").find(type) == std::string_view::npos) {
      raise("unsupported format character '{}'", type);
    }
    if (value.is_undefined()) raise_undefined(value);
    if (!value.is_number()) raise("%{} format: a number is required, not {}", type, type_name(value));
    if (spec.align == '=') spec.fill = "0";
    spec.type = type;
    append_formatted_number(out_, whole(value, type, spec), spec);
  }

  // %d cuts a float to an integer; %x and %o refuse it.
  static Value whole(const Value& value, char type, FormatSpec& spec) {
    const bool integer_type = std::string_view("diuxXo").find(type) != std::string_view::npos;
    if (!integer_type) return value;
    spec.precision.reset();
    if (!value.is(Kind::kFloat)) return value.integer();
    const double cut = std::trunc(value.real());
    if (type == 'x' || type == 'X' || type == 'o') raise("%{} format: an integer is required, not float", type);
    if (!(std::fabs(cut) < 0x1p63)) raise("cannot convert {} to an integer", float_text(cut));
    return static_cast<int64_t>(cut);
  }

  void write_character(const Value& value, FormatSpec spec) {
    spec.align = spec.align == '<' ? '<' : '>';
    if (value.is_string() && value.string().chars == 1) return append_formatted(out_, value.text(), spec);
    const bool valid = value.is_integral() && value.integer() >= 0 && value.integer() < 0x110000 &&
                       !(value.integer() >= 0xD800 && value.integer() < 0xE000);
    if (!valid) raise("%c requires int or char");
    std::string text;
    append_char(text, static_cast<char32_t>(value.integer()));
    append_formatted(out_, text, spec);
  }

  Runtime& rt_;
  std::string_view format_;
  const Value& operand_;
  TextBuilder out_;
  size_t at_ = 0;
  size_t used_ = 0;
};

}  // namespace

std::string format_percent(Runtime& rt, std::string_view format, const Value& operand) {
  return PercentFormatter(rt, format, operand).run();
}

}  // namespace kerf::jinja
