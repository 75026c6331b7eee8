// The sentence of a Result that must have failed.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "kerf/base/result.h"

namespace kerf::testing {

template <typename T>
std::string error_of(const Result<T>& result) {
  EXPECT_FALSE(result.ok());
  return result.ok() ? "no error" : result.error().message;
}

}  // namespace kerf::testing
