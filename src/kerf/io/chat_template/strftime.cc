#include "kerf/io/chat_template/strftime.h"

#include <array>

#include "kerf/io/chat_template/error.h"

namespace kerf::jinja {

namespace {

// What Python's datetime handles before the C library: microseconds, and the zone it does not have.
std::string without_python_codes(std::string_view format) {
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    const char code = format[i] == '%' && i + 1 < format.size() ? format[i + 1] : '\0';
    if (code == '\0') {
      out += format[i];
      continue;
    }
    ++i;
    if (code == 'f') {
      out += "000000";
    } else if (code != 'z' && code != 'Z') {
      out += '%';
      out += code;
    }
  }
  return out;
}

}  // namespace

std::string format_time(std::string_view format, const std::tm& time) {
  if (format.find('\0') != std::string_view::npos) raise("strftime_now(): embedded null character");
  // The blank tells an empty result from one that does not fit.
  const std::string full = without_python_codes(format) + " ";
  std::array<char, 4096> buffer{};
  const size_t size = std::strftime(buffer.data(), buffer.size(), full.c_str(), &time);
  if (size == 0) raise("strftime_now(): the result is too long");
  return {buffer.data(), size - 1};
}

}  // namespace kerf::jinja
