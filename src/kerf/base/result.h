// Result<T>: the return type of anything that bad user input can make fail.
//
// The three classes of failure (DESIGN: errors): bad input returns a Result, "cannot start" throws
// and is caught once in main, a broken invariant is a KERF_CHECK.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

#include "kerf/base/check.h"

namespace kerf {

// One sentence for the user: names the file, the field and the value, and says what to do.
struct Error {
  std::string message;
};

// fail("{}: expected {}", file, what) makes the Error that converts to any Result.
template <typename... Args>
[[nodiscard]] Error fail(fmt::format_string<Args...> format, Args&&... args) {
  return Error{fmt::format(format, std::forward<Args>(args)...)};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok()
  T& value() & {
    KERF_CHECK(ok(), error().message);
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    KERF_CHECK(ok(), error().message);
    return *std::get_if<0>(&state_);
  }
  T value() && { return std::move(value()); }  // by value: `for (x : f().value())` must not dangle
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(value()); }

  // REQUIRES: !ok()
  [[nodiscard]] const Error& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

// A Result that carries nothing but success.
struct Ok {};
using Status = Result<Ok>;

}  // namespace kerf

#define KERF_CONCAT_INNER(a, b) a##b
#define KERF_CONCAT(a, b) KERF_CONCAT_INNER(a, b)

// KERF_TRY(auto x, f()): x is f()'s value, or the enclosing function returns f()'s error.
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration and a name can't stand in parentheses
#define KERF_TRY(declaration, expression) KERF_TRY_INNER(declaration, expression, KERF_CONCAT(kerf_try_, __LINE__))
#define KERF_TRY_INNER(declaration, expression, name) \
  auto name = (expression);                           \
  if (!name.ok()) return name.error();                \
  declaration = std::move(name).value()
// NOLINTEND(bugprone-macro-parentheses)

// KERF_TRY_STATUS(f()): the enclosing function returns f()'s error, if any.
#define KERF_TRY_STATUS(expression)                           \
  do {                                                        \
    if (auto kerf_status = (expression); !kerf_status.ok()) { \
      return kerf_status.error();                             \
    }                                                         \
  } while (false)
