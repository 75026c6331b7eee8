#include "kerf/engine/engine_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kMiB = 1 << 20;

TEST(KvMemory, WeightsAndScratchComeOffTheShareOfTheMemory) {
  const KvMemory rank{.memory = 1000 * kMiB, .weights = 300 * kMiB, .scratch = 100 * kMiB, .block = 2 * kMiB};
  EXPECT_EQ(blocks_that_fit(rank, 0.9), 250);
  EXPECT_EQ(blocks_that_fit(rank, 1.0), 300);
}

TEST(KvMemory, RanksOnOneHostShareItEvenly) {
  const KvMemory rank{
      .memory = 1000 * kMiB, .ranks_sharing = 2, .weights = 150 * kMiB, .scratch = 50 * kMiB, .block = kMiB};
  EXPECT_EQ(blocks_that_fit(rank, 0.9), 250);
}

TEST(KvMemory, WeightsThatDoNotFitLeaveNothing) {
  EXPECT_EQ(blocks_that_fit({.memory = 100 * kMiB, .weights = 95 * kMiB, .block = kMiB}, 0.9), 0);
  EXPECT_EQ(blocks_that_fit({.memory = 100 * kMiB, .weights = 90 * kMiB, .block = kMiB}, 0.9), 0);
  EXPECT_EQ(blocks_that_fit({.memory = 100 * kMiB, .weights = 89 * kMiB, .block = kMiB}, 0.9), 1);
}

TEST(KvSize, AsManyBlocksAsFitButNoMoreThanTheSequencesCanUse) {
  EngineOptions options{.max_num_seqs = 4, .max_model_len = 1000};
  EXPECT_EQ(size_kv_cache(options, 50, 4096)->num_blocks, 50);
  EXPECT_EQ(size_kv_cache(options, 1000, 4096)->num_blocks, 4 * 16);
  EXPECT_EQ(size_kv_cache(options, 50, 4096)->max_model_len, 1000);
}

TEST(KvSize, ALengthNobodyAskedForIsShortenedToWhatFits) {
  EXPECT_EQ(size_kv_cache({}, 100, 4096)->max_model_len, 4096);
  const KvSize size = size_kv_cache({}, 10, 131072).value();
  EXPECT_EQ(size.max_model_len, 640);
  EXPECT_EQ(size.num_blocks, 10);
}

TEST(KvSize, WhatCannotBeIsRefusedWithTheFlagThatHelps) {
  const auto message = [](const EngineOptions& options, int64_t fit) {
    return size_kv_cache(options, fit, 4096).error().message;
  };
  EXPECT_THAT(message({.max_model_len = 1000}, 15), AllOf(HasSubstr("needs 16"), HasSubstr("--max-model-len to 960")));
  EXPECT_THAT(message({}, 0), AllOf(HasSubstr("--memory-utilization 0.9"), HasSubstr("more ranks")));
  EXPECT_THAT(message({.max_model_len = 5000}, 100), HasSubstr("more than the model's 4096"));
}

TEST(EngineOptions, EachImpossibleValueIsRefusedByItsFlag) {
  const auto message = [](const EngineOptions& options) { return options.validate(64).error().message; };
  EXPECT_TRUE(EngineOptions{}.validate(64).ok());
  EXPECT_THAT(message({.memory_utilization = 0}), HasSubstr("--memory-utilization is 0"));
  EXPECT_THAT(message({.memory_utilization = 1.5}), HasSubstr("--memory-utilization is 1.5"));
  EXPECT_THAT(message({.max_num_seqs = 0}), HasSubstr("--max-num-seqs is 0"));
  EXPECT_THAT(message({.max_num_seqs = 1000}), HasSubstr("fewer than --max-num-seqs 1000"));
  EXPECT_THAT(message({.max_model_len = -1}), HasSubstr("--max-model-len is -1"));
  EXPECT_THAT(message({.block_size = 16}), AllOf(HasSubstr("--block-size is 16"), HasSubstr("blocks of 64")));
  EXPECT_THAT(message({.max_prompt_tokens_beside_decodes = -1}), HasSubstr("beside-decodes is -1"));
}

}  // namespace
}  // namespace kerf
