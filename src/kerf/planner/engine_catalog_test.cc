#include "kerf/planner/engine_catalog.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kerf {
namespace {

TEST(EngineCatalog, KnowsTheEnginesThatUsersName) {
  for (const char* name :
       {"vllm", "sglang", "trtllm", "TensorRT-LLM", "fastertransformer", "lmdeploy", "kerf", "generic"}) {
    const auto engine = find_engine(name);
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    EXPECT_FALSE(engine->source.empty()) << name;
    EXPECT_GT(engine->step_overhead_us, 0) << name;
  }
  EXPECT_EQ(find_engine("TensorRT-LLM")->name, "trtllm");
  EXPECT_TRUE(find_engine("kerf")->any_tp);
  EXPECT_FALSE(find_engine("trtllm")->any_tp);
}

TEST(EngineCatalog, AnswersAnUnknownNameWithTheKnownOnes) {
  const auto engine = find_engine("vlm");
  ASSERT_FALSE(engine.ok());
  EXPECT_NE(engine.error().message.find("'vlm'"), std::string::npos);
  EXPECT_NE(engine.error().message.find("vllm"), std::string::npos);
}

TEST(EngineCatalog, EveryEntryCanBeRead) {
  const std::vector<std::string> names = engine_names().value();
  EXPECT_GE(names.size(), 15U);
  for (const std::string& name : names) EXPECT_TRUE(find_engine(name).ok()) << name;
}

}  // namespace
}  // namespace kerf
