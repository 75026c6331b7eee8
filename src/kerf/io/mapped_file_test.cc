#include "kerf/io/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/errors.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

using testing::error_of;

TEST(MappedFile, HoldsTheBytes) {
  const testing::TempDir dir;
  testing::write_file(dir.path() / "f", "hello");
  Result<MappedFile> file = MappedFile::open(dir.path() / "f");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->text(), "hello");

  const char* address = file->text().data();
  const MappedFile moved = std::move(file).value();
  EXPECT_EQ(moved.text().data(), address);
  drop_pages(moved.bytes().subspan(1, 3));
  EXPECT_EQ(moved.text(), "hello");  // comes back from the file
}

TEST(MappedFile, RefusesWhatIsNoReadableFile) {
  const testing::TempDir dir;
  const std::string path = (dir.path() / "f").string();
  EXPECT_EQ(error_of(MappedFile::open(path)), "cannot read " + path + ": No such file or directory");
  EXPECT_EQ(error_of(MappedFile::open(dir.path())), dir.path().string() + " is a directory; expected a file");
  testing::write_file(path, "");
  EXPECT_EQ(error_of(MappedFile::open(path)), path + " is empty; download it again");
}

TEST(MappedFile, DoesNotWaitForANamedPipe) {
  const testing::TempDir dir;
  const std::string path = (dir.path() / "pipe").string();
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(error_of(MappedFile::open(path)), path + " is not a regular file");
}

}  // namespace
}  // namespace kerf
