// One model, one answer: the logits have the same bits under every cut, number of threads, chunk size and batch.
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "tests/support/replica.h"
#include "tests/support/tiny_model.h"

namespace kerf {
namespace {

using testing::ReplicaOptions;
using testing::run_replica;
using testing::TinyModel;

constexpr int32_t kVocab = 128;

std::vector<int32_t> some_ids(int count, uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<int32_t> ids;
  for (int i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(rng() % kVocab));
  return ids;
}

// Bits, not values: -0 and 0 differ, NaN equals itself.
std::string bits(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string score(const TinyModel& model, const ReplicaOptions& options, const std::vector<int32_t>& ids) {
  const auto run = run_replica(model.dir, options, {Request{.id = 0, .prompt_ids = ids, .score = true}});
  EXPECT_EQ(run.results.at(0).logits.size(), ids.size() * kVocab);
  return bits(run.results.at(0).logits);
}

std::string name(const Plan& plan) {
  return fmt::format("tp {} pp {}{} tp_weights [{}] pp_layers [{}]", plan.tp, plan.pp, plan.sp ? " sp" : "",
                     fmt::join(plan.tp_weights, ","), fmt::join(plan.pp_layers, ","));
}

// Every cut of TP {1,2,4,8} × PP {1,2,3,4} with and without SP, and the odd ones.
std::vector<Plan> cuts() {
  std::vector<Plan> plans;
  for (const bool sp : {false, true}) {
    for (const int tp : {1, 2, 4, 8}) {
      for (const int pp : {1, 2, 3, 4}) plans.push_back({.tp = tp, .pp = pp, .sp = sp});
    }
  }
  for (const int tp : {3, 5, 6, 7}) plans.push_back({.tp = tp, .pp = 1 + tp % 2, .sp = tp == 5});
  plans.push_back({.tp = 2, .tp_weights = {3, 1}});
  plans.push_back({.tp = 3, .pp = 2, .sp = true, .tp_weights = {1, 4, 2}});
  plans.push_back({.tp = 1, .pp = 2, .pp_layers = {1, 3}});
  plans.push_back({.tp = 2, .pp = 3, .pp_layers = {2, 1, 1}});
  return plans;
}

class OneAnswerWithThreads : public ::testing::TestWithParam<int> {};

TEST_P(OneAnswerWithThreads, OverCutsAndChunks) {
  const int threads = GetParam();
  const TinyModel model({.vocab = kVocab});
  const std::vector<int32_t> ids = some_ids(150, 1);  // more than two blocks of the KV cache
  const std::string expected = score(model, {}, ids);
  for (const Plan& plan : cuts()) {
    for (const int64_t chunk : {37, 64, 512}) {
      const ReplicaOptions options{.plan = plan, .threads = threads, .chunk = chunk};
      EXPECT_EQ(score(model, options, ids) == expected, true)
          << name(plan) << ", " << threads << " threads, chunks of " << chunk;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, OneAnswerWithThreads, ::testing::Values(1, 2, 3));

class OneAnswerQuantised : public ::testing::TestWithParam<Quantization> {};

TEST_P(OneAnswerQuantised, OverCuts) {
  const TinyModel model({.vocab = kVocab, .dtype = DType::kBF16});
  const std::vector<int32_t> ids = some_ids(150, 1);
  const auto bits_of = [&](ReplicaOptions options) {
    options.dtype = DType::kBF16;
    options.quantization = GetParam();
    return score(model, options, ids);
  };
  const std::string expected = bits_of({});
  EXPECT_FALSE(expected == score(model, {.dtype = DType::kBF16}, ids)) << "nothing was quantised";
  int threads = 1;
  for (const Plan& plan : cuts()) {
    for (const int64_t chunk : {37, 512}) {
      threads = threads % 3 + 1;
      EXPECT_EQ(bits_of({.plan = plan, .threads = threads, .chunk = chunk}) == expected, true)
          << name(plan) << ", " << threads << " threads, chunks of " << chunk;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, OneAnswerQuantised, ::testing::Values(Quantization::kInt8, Quantization::kInt4),
                         [](const auto& format) { return std::string(name_of(format.param)); });

class EveryArchitecture : public ::testing::TestWithParam<size_t> {};

struct Format {
  DType dtype;
  Quantization quantization = Quantization::kNone;
  std::optional<DType> kv_cache_dtype = std::nullopt;
};

TEST_P(EveryArchitecture, HasOneAnswerInEveryFormat) {
  const Architecture& architecture = architectures()[GetParam()];
  for (const auto& [dtype, quantization, kv_cache_dtype] :
       {Format{DType::kF32}, Format{DType::kF16}, Format{DType::kBF16}, Format{DType::kF32, Quantization::kInt8},
        Format{DType::kBF16, Quantization::kInt4}, Format{DType::kBF16, Quantization::kInt8, DType::kF16},
        Format{DType::kBF16, Quantization::kNone, DType::kI8}}) {
    // 6 heads over 3 KV heads and an inner size of 94: neither cuts evenly.
    const TinyModel model({.model_type = std::string(architecture.model_type),
                           .heads = 6,
                           .kv_heads = 3,
                           .intermediate = 94,
                           .vocab = kVocab,
                           .dtype = dtype,
                           .shards = 2});
    const std::vector<int32_t> ids = some_ids(70, 2);
    const std::string expected =
        score(model, {.dtype = dtype, .quantization = quantization, .kv_cache_dtype = kv_cache_dtype}, ids);
    for (const Plan& plan : {Plan{.tp = 2, .pp = 2}, Plan{.tp = 3, .sp = true}, Plan{.tp = 4, .pp = 4},
                             Plan{.tp = 6, .pp = 3, .sp = true}, Plan{.tp = 5}, Plan{.pp = 4}}) {
      const ReplicaOptions cut{
          .plan = plan, .dtype = dtype, .quantization = quantization, .kv_cache_dtype = kv_cache_dtype, .chunk = 33};
      EXPECT_EQ(score(model, cut, ids) == expected, true)
          << architecture.model_type << " " << name_of(dtype) << " " << name_of(quantization) << " " << name(plan);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryArchitecture, ::testing::Range(size_t{0}, architectures().size()),
                         [](const auto& index) { return std::string(architectures()[index.param].model_type); });

TEST(OneAnswer, OverSixteenRanksAndHeadsThatNothingDivides) {
  for (const int64_t heads : {16, 20, 28}) {
    const TinyModel model({.heads = heads, .kv_heads = 4, .head_dim = 8, .layers = 2, .vocab = kVocab});
    const std::vector<int32_t> ids = some_ids(20, 4);
    const std::string expected = score(model, {}, ids);
    for (const Plan& plan : {Plan{.tp = 16}, Plan{.tp = 11, .sp = true}, Plan{.tp = 8, .pp = 2}, Plan{.tp = 7}}) {
      EXPECT_EQ(score(model, {.plan = plan}, ids) == expected, true) << heads << " heads, " << name(plan);
    }
  }
}

// Ten sequences of different lengths, together in batches that change from step to step.
std::vector<Request> crowd() {
  std::vector<Request> requests;
  for (int i = 0; i < 10; ++i) {
    const SamplingParams params{.temperature = i % 2 == 0 ? 0.0 : 0.9,
                                .top_p = 0.95,
                                .repetition_penalty = 1.1,
                                .seed = static_cast<uint64_t>(i),
                                .max_tokens = 5 + 3 * i,
                                .ignore_eos = true};
    requests.push_back({.id = i, .prompt_ids = some_ids(3 + 13 * i, 100 + static_cast<uint64_t>(i)), .params = params});
  }
  return requests;
}

class OverBatchCompany : public ::testing::TestWithParam<Quantization> {};

TEST_P(OverBatchCompany, SampledTokensIncluded) {
  const ReplicaOptions one{.dtype = DType::kBF16, .quantization = GetParam()};
  const TinyModel model({.model_type = "qwen3", .vocab = kVocab, .dtype = DType::kBF16});
  const std::vector<Request> requests = crowd();
  std::map<RequestId, std::vector<int32_t>> alone;
  for (const Request& request : requests) {
    alone[request.id] = run_replica(model.dir, one, {request}).results.at(request.id).ids;
    EXPECT_EQ(alone[request.id].size(), static_cast<size_t>(request.params.max_tokens));
  }
  for (const Plan& plan :
       {Plan{}, Plan{.tp = 2, .pp = 2}, Plan{.pp = 4}, Plan{.tp = 4, .sp = true}, Plan{.tp = 3, .pp = 3}}) {
    for (const int64_t chunk : {16, 200}) {
      ReplicaOptions cut = one;
      cut.plan = plan;
      cut.threads = 2;
      cut.chunk = chunk;
      const auto run = run_replica(model.dir, cut, requests);
      for (const Request& request : requests) {
        EXPECT_EQ(run.results.at(request.id).ids, alone[request.id]) << name(plan) << ", request " << request.id;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, OverBatchCompany,
                         ::testing::Values(Quantization::kNone, Quantization::kInt8, Quantization::kInt4),
                         [](const auto& format) { return std::string(name_of(format.param)); });

TEST(OneAnswer, TheCacheHasTheTypeThatWasAskedFor) {
  const TinyModel model({.vocab = kVocab, .dtype = DType::kF32});
  const std::vector<int32_t> ids = some_ids(40, 5);
  const std::string f32 = score(model, {}, ids);
  const std::string f16 = score(model, {.kv_cache_dtype = DType::kF16}, ids);
  EXPECT_TRUE(score(model, {.kv_cache_dtype = DType::kF32}, ids) == f32);
  EXPECT_FALSE(f16 == f32);
  EXPECT_FALSE(score(model, {.kv_cache_dtype = DType::kBF16}, ids) == f16);
  EXPECT_FALSE(score(model, {.kv_cache_dtype = DType::kI8}, ids) == f32);
}

TEST(OneAnswer, OfAnInt8CacheOverCutsThreadsAndChunks) {
  const TinyModel model({.vocab = kVocab});
  const std::vector<int32_t> ids = some_ids(150, 1);
  const std::string expected = score(model, {.kv_cache_dtype = DType::kI8}, ids);
  int threads = 1;
  for (const Plan& plan : cuts()) {
    for (const int64_t chunk : {1, 37, 512}) {
      if (chunk == 1 && plan.ranks() > 2) continue;
      threads = threads % 3 + 1;
      const ReplicaOptions options{
          .plan = plan, .kv_cache_dtype = DType::kI8, .threads = threads, .chunk = chunk, .num_slots = 1};
      EXPECT_EQ(score(model, options, ids) == expected, true)
          << name(plan) << ", " << threads << " threads, chunks of " << chunk;
    }
  }
}

// One token at a time over a long context: where threads outnumber KV heads, they share a head's blocks.
TEST(OneAnswer, WhenThreadsShareTheBlocksOfOneToken) {
  for (const char* model_type : {"llama", "gemma3_text"}) {
    const TinyModel model({.model_type = model_type, .layers = 2, .vocab = kVocab, .max_positions = 1024});
    const std::vector<int32_t> ids = some_ids(600, 3);
    const std::string expected = score(model, {.max_model_len = 1024}, ids);
    for (const int threads : {3, 8}) {
      EXPECT_TRUE(score(model, {.threads = threads, .chunk = 1, .max_model_len = 1024, .num_slots = 1}, ids) ==
                  expected)
          << model_type << ", " << threads << " threads";
    }
  }
}

TEST(OneAnswer, TwoReductionsPerLayerAndEachRankReadsItsShardOnly) {
  const TinyModel model({.vocab = kVocab, .dtype = DType::kBF16});
  const auto whole = run_replica(model.dir, {.dtype = DType::kBF16}, crowd());
  for (const Plan& plan : {Plan{.tp = 4, .pp = 2}, Plan{.tp = 2, .sp = true}}) {
    const auto run = run_replica(model.dir, {.plan = plan, .dtype = DType::kBF16}, crowd());
    int64_t all = 0;
    for (size_t rank = 0; rank < run.layers_run.size(); ++rank) {
      EXPECT_GT(run.layers_run[rank], 0);
      EXPECT_EQ(run.layer_reductions[rank], 2 * run.layers_run[rank]);
      EXPECT_LT(run.bytes_read[rank], whole.bytes_read[0] / plan.ranks() * 11 / 10) << "rank " << rank;
      all += run.bytes_read[rank];
    }
    EXPECT_GE(all, whole.bytes_read[0]);
  }
}

// Sums partial results rank after rank, as a ring would: what a collective library does when it
// knows no tree.
class RingOrder final : public Communicator {
 public:
  explicit RingOrder(std::unique_ptr<Communicator> inner)
      : Communicator(inner->rank(), inner->size()), inner_(std::move(inner)) {}
  [[nodiscard]] std::string_view kind() const override { return "ring"; }
  void abort(std::string_view why) noexcept override { inner_->abort(why); }

 private:
  void do_all_reduce(const float* nodes, float* sum, int64_t n, const ReductionTree& tree) override {
    KERF_CHECK(tree.max_nodes() == 1);
    std::vector<float> all(static_cast<size_t>(n * size()));
    std::vector<int64_t> bounds;
    for (int r = 0; r <= size(); ++r) bounds.push_back(r * n);
    inner_->all_gather(ConstTensor(nodes, {n}), Tensor(all.data(), {n * size()}), bounds);
    for (int64_t i = 0; i < n; ++i) {
      float total = all[static_cast<size_t>(i)];
      for (int r = 1; r < size(); ++r) total += all[static_cast<size_t>(r * n + i)];
      sum[i] = total;
    }
  }
  void do_reduce_scatter(const float*, float*, int64_t, const ReductionTree&, std::span<const int64_t>) override {
    KERF_CHECK(false, "not used");
  }
  void do_all_gather(const std::byte* part, std::byte* whole, std::span<const int64_t> bounds) override {
    const auto own = static_cast<size_t>(rank());
    inner_->all_gather(ConstTensor(part, DType::kU8, {bounds[own + 1] - bounds[own]}),
                       Tensor(whole, DType::kU8, {bounds.back()}), bounds);
  }
  void do_all_to_all(const std::byte*, std::span<const int64_t>, std::byte*, std::span<const int64_t>) override {
    KERF_CHECK(false, "not used");
  }
  void do_broadcast(std::byte* data, int64_t bytes, int root) override {
    inner_->broadcast(Tensor(data, DType::kU8, {bytes}), root);
  }
  void do_send(const std::byte* data, int64_t bytes, int to) override {
    inner_->send(ConstTensor(data, DType::kU8, {bytes}), to);
  }
  void do_recv(std::byte* data, int64_t bytes, int from) override {
    inner_->recv(Tensor(data, DType::kU8, {bytes}), from);
  }

  std::unique_ptr<Communicator> inner_;
};

// The comparison has teeth: another order of summation is seen. (In float32: with bfloat16 activations
// the next rounding hides most differences in the last bit.)
TEST(OneAnswer, AnotherOrderOfSummationIsNoticed) {
  const TinyModel model({.vocab = kVocab});
  const std::vector<int32_t> ids = some_ids(40, 3);
  const std::string expected = score(model, {}, ids);
  const ReplicaOptions broken{.plan = {.tp = 4}, .wrap_tp = [](std::unique_ptr<Communicator> tp) {
                                return std::make_unique<RingOrder>(std::move(tp));
                              }};
  EXPECT_FALSE(score(model, broken, ids) == expected);
}

}  // namespace
}  // namespace kerf
