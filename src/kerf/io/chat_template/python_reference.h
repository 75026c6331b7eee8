// For tests: what Python's Jinja2 renders.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/conformance.h"

namespace kerf::testing {

inline constexpr const char* kPython = "/usr/bin/python3";

inline bool has_jinja2() {
  return std::system((std::string(kPython) + " -c 'import jinja2' 2>/dev/null").c_str()) == 0;
}

// The time that strftime_now() sees on both sides: 2026-01-31 12:34:56.
inline std::tm reference_time() {
  std::tm time{};
  time.tm_year = 126;
  time.tm_mday = 31;
  time.tm_hour = 12;
  time.tm_min = 34;
  time.tm_sec = 56;
  time.tm_wday = 6;
  time.tm_yday = 30;
  return time;
}

struct ReferenceCase {
  std::string label;  // for messages
  std::string source;
  nlohmann::ordered_json context;
};

// One text per case; none where Python raises. All in one Python process.
inline std::vector<std::optional<std::string>> render_with_python(const std::vector<ReferenceCase>& cases) {
  nlohmann::ordered_json job = {{"now", "2026-01-31T12:34:56"},
                                {"sources", nlohmann::ordered_json::array()},
                                {"cases", nlohmann::ordered_json::array()}};
  std::map<std::string, size_t> places;
  for (const auto& one : cases) {
    const auto [at, added] = places.try_emplace(one.source, places.size());
    if (added) job["sources"].push_back(one.source);
    job["cases"].push_back({{"source", at->second}, {"context", one.context}});
  }
  std::string dir = (std::filesystem::temp_directory_path() / "kerf-template-XXXXXX").string();
  EXPECT_NE(mkdtemp(dir.data()), nullptr);
  const auto job_file = std::filesystem::path(dir) / "job.json";
  const auto result_file = std::filesystem::path(dir) / "result.json";
  std::ofstream(job_file) << job;
  const auto script = source_dir() / "tools" / "template_reference.py";
  const std::string command =
      std::string(kPython) + " '" + script.string() + "' '" + job_file.string() + "' > '" + result_file.string() + "'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  const auto results = nlohmann::json::parse(read_file(result_file));
  std::filesystem::remove_all(dir);
  std::vector<std::optional<std::string>> texts;
  for (const auto& result : results) {
    texts.push_back(result.contains("text") ? std::optional(result["text"].get<std::string>()) : std::nullopt);
  }
  return texts;
}

}  // namespace kerf::testing

// Skips the test, saying so, without Python's Jinja2.
#define KERF_REQUIRE_JINJA2() \
  if (!::kerf::testing::has_jinja2()) GTEST_SKIP() << ::kerf::testing::kPython << " has no jinja2"
