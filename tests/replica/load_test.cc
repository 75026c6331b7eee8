// What stays in memory after loading.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/support/replica.h"
#include "tests/support/tiny_model.h"

namespace kerf {
namespace {

// Pages of files that are mapped and in this process's memory.
int64_t resident_file_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kb = 0;
    if (word == "RssFile:" && status >> kb) return kb;
  }
  return 0;
}

TEST(Load, LeavesPackedWeightsAndNoPagesOfTheCheckpoint) {
  // 9 MB of linears and a head of 4 MB; a row-parallel rank takes strips of every page.
  const testing::TinyModel model(
      {.hidden = 512, .heads = 8, .head_dim = 64, .intermediate = 1024, .layers = 2, .vocab = 2048, .tied = false});
  const ModelSpec spec = load_model_spec(model.dir).value();
  for (const int tp : {1, 2}) {
    Checkpoint checkpoint = Checkpoint::open(model.dir).value();
    ThreadPool pool(2);
    const int64_t before_kb = resident_file_kb();
    const Stage stage = Stage::load(spec, {.tp = tp}, 0, 0, checkpoint,
                                    {.dtype = DType::kF32, .max_tokens = 8, .max_logit_rows = 8, .kv_blocks = 1}, pool)
                            .value();
    EXPECT_GE(checkpoint.bytes_read(), 8 << 20);
    EXPECT_LE(resident_file_kb() - before_kb, 1024) << "tp " << tp;
  }
}

}  // namespace
}  // namespace kerf
