// ApiResult<T>: T, or the answer to a request that is refused. As base/result.h, with an ApiError for the error.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

#include "kerf/base/result.h"
#include "kerf/serve/http/error_response.h"

namespace kerf {

template <typename T>
class [[nodiscard]] ApiResult {
 public:
  ApiResult(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  ApiResult(ApiError error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  // REQUIRES: ok()
  T& value() & {
    KERF_CHECK(ok(), error().message);
    return *std::get_if<0>(&state_);
  }
  T value() && { return std::move(value()); }
  T* operator->() { return &value(); }
  T& operator*() { return value(); }
  // REQUIRES: !ok()
  [[nodiscard]] const ApiError& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, ApiError> state_;
};

using ApiStatus = ApiResult<Ok>;

// 400: `param` is the field at fault.
template <typename... Args>
[[nodiscard]] ApiError refuse(std::string param, fmt::format_string<Args...> format, Args&&... args) {
  return {.message = fmt::format(format, std::forward<Args>(args)...), .param = std::move(param)};
}

}  // namespace kerf
