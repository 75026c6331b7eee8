// Where tests find data: the source tree, and the optional conformance data beside it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace kerf::testing {

// The root of the source tree (ctest sets KERF_SOURCE_DIR; the working directory otherwise).
inline std::filesystem::path source_dir() {
  const char* dir = std::getenv("KERF_SOURCE_DIR");
  return dir != nullptr ? std::filesystem::path(dir) : std::filesystem::current_path();
}

// The conformance data: $KERF_CONFORMANCE_DATA, or ../shared/data beside the source tree.
inline std::filesystem::path conformance_dir() {
  const char* dir = std::getenv("KERF_CONFORMANCE_DATA");
  return dir != nullptr ? std::filesystem::path(dir) : source_dir() / ".." / "shared" / "data";
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace kerf::testing

// Skips the test, saying so, when the conformance data lacks `relative`.
#define KERF_REQUIRE_CONFORMANCE(relative)                                                                   \
  if (!std::filesystem::exists(::kerf::testing::conformance_dir() / (relative))) {                           \
    GTEST_SKIP() << "no conformance data at " << (::kerf::testing::conformance_dir() / (relative)).string(); \
  }                                                                                                          \
  static_assert(true)
