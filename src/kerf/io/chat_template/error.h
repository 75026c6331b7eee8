// How the inside of the engine fails: an exception that ChatTemplate::parse and ::render turn into a
// kerf::Error. It never leaves this folder.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace kerf::jinja {

// Where it happened is added by whoever catches it (line 0: the caller knows better).
struct TemplateError {
  std::string message;
  int line = 0;
};

template <typename... Args>
[[noreturn]] void raise(fmt::format_string<Args...> format, Args&&... args) {
  throw TemplateError{fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace kerf::jinja
