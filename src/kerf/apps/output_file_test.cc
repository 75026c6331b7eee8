#include "kerf/apps/output_file.h"

#include <gtest/gtest.h>

#include "tests/support/conformance.h"
#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

TEST(OutputFile, AppearsWholeOrNotAtAll) {
  const testing::TempDir dir;
  const auto path = dir.path() / "out";
  {
    OutputFile file = OutputFile::create(path).value();
    EXPECT_TRUE(file.write("abc", 3).ok());
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
  OutputFile file = OutputFile::create(path).value();
  EXPECT_TRUE(file.write("abc", 3).ok());
  EXPECT_TRUE(file.commit().ok());
  EXPECT_EQ(testing::read_file(path), "abc");
}

TEST(OutputFile, SaysThatTheDiskIsFullAndLeavesADeviceAlone) {
  Result<OutputFile> file = OutputFile::create("/dev/full");
  ASSERT_TRUE(file.ok());
  const std::string big(1 << 20, 'x');
  const Status status = file->write(big.data(), big.size());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "/dev/full: cannot be written: No space left on device");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

TEST(OutputFile, SaysWhereItCannotBeCreated) {
  EXPECT_EQ(OutputFile::create("/no/such/dir/out").error().message,
            "/no/such/dir/out: cannot be created: No such file or directory");
}

}  // namespace
}  // namespace kerf
