#include "kerf/apps/machine_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "src/kerf/planner/probed_machine_for_test.h"
#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

// Sets a variable while it lives.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    const char* old = std::getenv(name);
    had_ = old != nullptr;
    if (had_) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~Environment() { had_ ? setenv(name_, old_.c_str(), 1) : unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  bool had_;
  std::string old_;
};

class MachineCacheTest : public ::testing::Test {
 protected:
  testing::TempDir dir_;
  Environment cache_{"XDG_CACHE_HOME", dir_.path().string()};
  Environment machine_{"KERF_MACHINE", ""};
};

TEST_F(MachineCacheTest, KeepsAMachineForThisHost) {
  EXPECT_FALSE(find_machine("", false).has_value());
  const auto path = machine_cache_path("");
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->parent_path(), dir_.path() / "kerf");
  ASSERT_TRUE(save_machine_file(testing::probed_machine(), *path).ok());
  const auto found = find_machine("", false);
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found->probed_now);
  EXPECT_EQ(found->machine.host.cores, 4);
  EXPECT_EQ(found->machine.host.collectives, testing::probed_machine().host.collectives);
}

TEST_F(MachineCacheTest, KnowsClustersApart) {
  EXPECT_NE(machine_cache_path(""), machine_cache_path("a:2,b:2"));
  EXPECT_NE(machine_cache_path("a:2"), machine_cache_path("a:2,b:2"));
}

TEST_F(MachineCacheTest, TakesABrokenFileForNone) {
  const auto path = machine_cache_path("");
  std::filesystem::create_directories(path->parent_path());
  for (const char* text : {"", "{", "{}", "{\"kerf_machine\": 1}", "\xff\xfe"}) {
    std::ofstream(*path, std::ios::binary) << text;
    EXPECT_FALSE(find_machine("", false).has_value()) << text;
  }
}

TEST_F(MachineCacheTest, TheVariableGoesBeforeTheCache) {
  ASSERT_TRUE(save_machine_file(testing::probed_machine(), *machine_cache_path("")).ok());
  {
    const Environment off("KERF_MACHINE", "off");
    EXPECT_FALSE(find_machine("", true).has_value()) << "nor is anything measured";
  }
  MachineSpec other = testing::probed_machine();
  other.name = "another";
  ASSERT_TRUE(save_machine_file(other, dir_.path() / "other.json").ok());
  const Environment given("KERF_MACHINE", (dir_.path() / "other.json").string());
  EXPECT_EQ(find_machine("", false)->machine.name, "another");
}

TEST_F(MachineCacheTest, AFileThatIsNoMachineIsNamed) {
  const auto path = dir_.path() / "x.json";
  EXPECT_THAT(load_machine_file(path).error().message, ::testing::HasSubstr("x.json"));
  MachineSpec gpus = testing::probed_machine();
  gpus.host = {};
  ASSERT_TRUE(save_machine_file(gpus, path).ok());
  EXPECT_THAT(load_machine_file(path).error().message, ::testing::HasSubstr("kerf probe"));
}

TEST_F(MachineCacheTest, AHomeThatCannotBeWrittenIsAnErrorToReport) {
  std::ofstream(dir_.path() / "kerf") << "a file where the directory should be";
  const Status saved = save_machine_file(testing::probed_machine(), *machine_cache_path(""));
  EXPECT_FALSE(saved.ok());
  EXPECT_FALSE(find_machine("", false).has_value());
}

TEST(MachineCachePath, NeedsAHome) {
  const Environment cache("XDG_CACHE_HOME", "");
  const Environment home("HOME", "");
  EXPECT_FALSE(machine_cache_path("").has_value());
}

}  // namespace
}  // namespace kerf
