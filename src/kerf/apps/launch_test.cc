#include "kerf/apps/launch.h"

#include <gmock/gmock.h>

#include "kerf/apps/mpirun_stderr.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ParseHosts, NamesAndSlots) {
  EXPECT_THAT(*parse_hosts("a:8,10.0.0.2:16,node-3.lan"),
              ElementsAre(HostSlots{"a", 8}, HostSlots{"10.0.0.2", 16}, HostSlots{"node-3.lan", 1}));
}

TEST(ParseHosts, RefusesWhatIsNoHostList) {
  for (const std::string text : {"", ",", "a:8,", ":8", "a b", "-x:1", "a;reboot", "a:", "a:0", "a:-1", "a:8x",
                                 "a:70000", "a:8:8", "a:99999999999"}) {
    const auto hosts = parse_hosts(text);
    ASSERT_FALSE(hosts.ok()) << text;
    EXPECT_THAT(hosts.error().message, HasSubstr("--hosts '" + text + "'"));
  }
}

const std::string kRule(74, '-');

// Feeds byte by byte, so that no part of the filter relies on how a pipe cuts.
std::string pass(MpirunStderr& filter, std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += filter.feed({&c, 1});
  return out;
}

TEST(MpirunStderr, PassesTheRanksBytesAtOnce) {
  MpirunStderr filter;
  for (const std::string bytes : {"\r\033[Kloading [##..]", "model", "a - b -- c --- d\n", "made\n", "\n\n"}) {
    EXPECT_EQ(pass(filter, bytes), bytes);
  }
  EXPECT_EQ(pass(filter, "[x] is held until the line ends"), "");
  EXPECT_EQ(filter.flush(), "[x] is held until the line ends");
  EXPECT_EQ(pass(filter, "--"), "");
  EXPECT_EQ(filter.flush(), "--");
}

TEST(MpirunStderr, KeepsBannersAndReadsThem) {
  MpirunStderr filter;
  const std::string banner = kRule +
                             "\nmpirun noticed that process rank 2 with PID 4711 on node vm exited on signal 9 " +
                             "(Killed).\n" + kRule + "\n";
  EXPECT_EQ(pass(filter, "half a line" + banner + "the rest\n"), "half a linethe rest\n");
  ASSERT_TRUE(filter.killed());
  EXPECT_EQ(filter.killed()->rank, 2);
  EXPECT_EQ(filter.killed()->signal, 9);
  EXPECT_THAT(filter.complaint(), IsEmpty());
}

TEST(MpirunStderr, RemembersWhyAJobCouldNotStart) {
  MpirunStderr filter;
  EXPECT_THAT(
      pass(filter, kRule + "\nPrimary job  terminated normally, but 1 process returned\na non-zero exit code.\n" +
                       kRule + "\n" + kRule + "\nORTE was unable to reliably start\n\n  * one daemon.\n" + kRule +
                       "\n"),
      IsEmpty());
  EXPECT_EQ(filter.complaint(), "ORTE was unable to reliably start * one daemon.");
}

TEST(MpirunStderr, TakesTheFirstLastWords) {
  MpirunStderr filter;
  EXPECT_EQ(pass(filter,
                 "\rbar\x1e"
                 "a: no such file\n\x1e"
                 "b\nend\n"),
            "\rbarend\n");
  EXPECT_EQ(filter.last_words(), "a: no such file");
}

TEST(MpirunStderr, DropsMpirunsAsides) {
  MpirunStderr filter;
  EXPECT_THAT(pass(filter,
                   "mpirun: Forwarding signal 15 to job\n[vm:1] 3 more processes have sent help message x / y\n[vm:2] "
                   "PMIX ERROR: NO\n"),
              IsEmpty());
}

}  // namespace
}  // namespace kerf
