#include "kerf/serve/frame_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <optional>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Bytes bytes(std::string_view text) {
  const auto raw = std::as_bytes(std::span(text));
  return {raw.begin(), raw.end()};
}

class FrameSocketTest : public ::testing::Test {
 protected:
  FrameSocketTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()), 0);
    here_.emplace(ends_[0]);
    there_.emplace(ends_[1]);
  }
  std::array<int, 2> ends_{};
  std::optional<FrameSocket> here_, there_;
};

TEST_F(FrameSocketTest, MessagesComeWholeAndInOrder) {
  EXPECT_TRUE(here_->send(bytes("one")));
  EXPECT_TRUE(here_->send(bytes("")));
  EXPECT_TRUE(here_->send(bytes("three")));
  std::vector<Bytes> got;
  EXPECT_TRUE(there_->receive(got).ok());
  EXPECT_THAT(got, ElementsAre(bytes("one"), bytes(""), bytes("three")));
}

TEST_F(FrameSocketTest, AMessageLargerThanTheSocketsBufferArrivesInPieces) {
  Bytes large(5 << 20);
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::byte>(i % 251);
  EXPECT_TRUE(here_->send(large));
  EXPECT_TRUE(here_->has_unsent());
  std::vector<Bytes> got;
  for (int i = 0; i < 10'000 && got.empty(); ++i) {
    ASSERT_TRUE(there_->receive(got).ok());
    ASSERT_TRUE(here_->flush());
  }
  EXPECT_FALSE(here_->has_unsent());
  EXPECT_THAT(got, ElementsAre(large));
}

TEST_F(FrameSocketTest, WhatCameBeforeTheEndIsStillRead) {
  EXPECT_TRUE(here_->send(bytes("last words")));
  here_.reset();
  std::vector<Bytes> got;
  Status status = there_->receive(got);
  if (status.ok()) status = there_->receive(got);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(got, ElementsAre(bytes("last words")));
  EXPECT_FALSE(there_->send(bytes("anybody?")));
}

TEST_F(FrameSocketTest, AnAbsurdLengthIsRefusedBeforeAnythingIsKept) {
  const uint32_t size = kMaxFrameBytes + 1;
  ASSERT_EQ(write(ends_[0], &size, sizeof(size)), static_cast<ssize_t>(sizeof(size)));
  std::vector<Bytes> got;
  const Status status = there_->receive(got);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("more than"));
  EXPECT_THAT(got, IsEmpty());
}

// Of this process, in bytes.
size_t resident() {
  size_t total = 0;
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> total >> pages;
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

TEST_F(FrameSocketTest, APeerThatAlwaysLagsALittleDoesNotMakeItGrow) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps what is freed for a while";
#endif
  const Bytes message(size_t{2} << 20);
  const size_t before = resident();
  ASSERT_TRUE(here_->send(message));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(here_->send(message));
    std::vector<Bytes> got;
    while (got.empty()) {
      ASSERT_TRUE(here_->flush());
      ASSERT_TRUE(there_->receive(got).ok());
    }
    EXPECT_TRUE(here_->has_unsent());
  }
  EXPECT_LT(resident(), before + (size_t{40} << 20));
}

TEST_F(FrameSocketTest, APeerThatDoesNotReadIsAsGoodAsGone) {
  const Bytes large(kMaxFrameBytes);
  int taken = 0;
  while (taken < 10 && here_->send(large)) ++taken;
  EXPECT_LE(taken, static_cast<int>(kMaxUnsentBytes / kMaxFrameBytes) + 1);
}

}  // namespace
}  // namespace kerf
