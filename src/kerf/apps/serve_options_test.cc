#include "kerf/apps/serve_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ServeOptions parse(const std::string& words) {
  ServeOptions options;
  CLI::App app;
  add_serve_options(app, options);
  app.parse(words);
  return options;
}

TEST(ServeOptions, AReplicaGetsWhatTheServerWasAskedFor) {
  const ServeOptions options = parse(
      "m --tp 2 --pp 3 --dp 4 --sp --pp-layers 3,4,5 --quantization int8 --max-model-len 99 --max-num-seqs 7 "
      "--no-enable-prefix-caching");
  EXPECT_TRUE(options.model.cut_given);
  EXPECT_EQ(options.model.plan.dp, 4);
  // A replica reads its own flags as the server read them.
  CLI::App app;
  ModelOptions replica;
  EngineOptions engine;
  CLI::App* command = app.add_subcommand("replica");
  add_model_options(*command, replica);
  add_engine_options(*command, engine);
  command->add_option("--replicas", engine.replicas);
  std::vector<std::string> args = replica_args(options, 5);
  std::ranges::reverse(args);  // as CLI11 wants them
  app.parse(args);
  EXPECT_EQ(replica.model, "m");
  EXPECT_EQ(replica.plan.tp, 2);
  EXPECT_EQ(replica.plan.pp, 3);
  EXPECT_TRUE(replica.plan.sp);
  EXPECT_THAT(replica.plan.pp_layers, ElementsAre(3, 4, 5));
  EXPECT_EQ(replica.quantization, "int8");
  EXPECT_EQ(replica.max_model_len, 99);
  EXPECT_EQ(replica.threads, 5);
  EXPECT_EQ(replica.timeout_s, 10);
  EXPECT_EQ(engine.max_num_seqs, 7);
  EXPECT_EQ(engine.replicas, 4);
  EXPECT_FALSE(engine.enable_prefix_caching);
}

TEST(ReadMaxQueue, TheFileGoesBeforeTheFlag) {
  EXPECT_EQ(read_max_queue({.max_queue = 9}).value(), 9);
  const testing::TempDir dir;
  const auto path = (dir.path() / "limits").string();
  std::ofstream(path) << "# less at night\nmax-queue = 5\n";
  EXPECT_EQ(read_max_queue({.max_queue = 9, .limits_file = path}).value(), 5);
  for (const std::string bad : {"max-queue = many", "max-queue = -1", "max-queue 5", "queue = 5", "max-queue = 5 6"}) {
    std::ofstream(path) << bad << "\n";
    EXPECT_THAT(read_max_queue({.limits_file = path}).error().message, HasSubstr(bad));
  }
}

TEST(ReadApiKeys, ComeFromFlagsAndFromTheFile) {
  EXPECT_THAT(read_api_keys({}).value(), IsEmpty());
  const testing::TempDir dir;
  const auto path = (dir.path() / "keys").string();
  std::ofstream(path) << "# ours\nsecret-1\n\nsecret-2 \r\n";
  EXPECT_THAT(read_api_keys({.api_keys = {"k"}, .api_key_file = path}).value(),
              ElementsAre("k", "secret-1", "secret-2"));
}

TEST(ReadApiKeys, AFileWithoutKeysDoesNotOpenTheServer) {
  const testing::TempDir dir;
  const auto path = (dir.path() / "keys").string();
  EXPECT_THAT(read_api_keys({.api_key_file = path}).error().message, HasSubstr("cannot be read"));
  std::ofstream(path) << "# nothing yet\n";
  EXPECT_THAT(read_api_keys({.api_key_file = path}).error().message, HasSubstr("no key"));
}

}  // namespace
}  // namespace kerf
