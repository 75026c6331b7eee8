// The matmul of every kernel table on one core, with oneDNN (where it is installed) as the yardstick.
//
// Counters: flop_rate counts 2 m n k per call; weight_bytes_rate counts the bytes of the weights read
// per call, which is what bounds m = 1; both per second of the process's CPU time. K = 2048 and N = 5632 are
// TinyLlama's MLP.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "kerf/base/arena.h"
#include "kerf/kernels/element.h"
#include "kerf/kernels/kernels.h"

#ifdef KERF_BENCH_DNNL
#include <dnnl.hpp>
#endif

namespace kerf {
namespace {

constexpr int64_t kInner = 2048;
constexpr int64_t kOutputs = 5632;

std::vector<float> random_floats(int64_t n) {
  std::mt19937 rng(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(n));
  for (float& value : values) value = normal(rng);
  return values;
}

void report(benchmark::State& state, int64_t m, size_t weight_bytes) {
  using benchmark::Counter;
  const auto rate = Counter::kIsIterationInvariantRate;
  state.counters["flop_rate"] = Counter(2.0 * static_cast<double>(m * kInner * kOutputs), rate);
  state.counters["weight_bytes_rate"] = Counter(static_cast<double>(weight_bytes), rate);
}

// slices: 1 = column-parallel or uncut, 16 = row-parallel, summed by the canonical tree.
void kerf_matmul(benchmark::State& state, const Kernels& table, WeightFormat format, int64_t m, int64_t slices) {
  std::vector<int64_t> bounds;
  std::vector<uint8_t> merges;
  for (int64_t s = 0; s <= slices; ++s) bounds.push_back(s * kInner / slices);
  for (int64_t s = 1; s <= slices; ++s)
    merges.push_back(static_cast<uint8_t>(__builtin_ctzll(static_cast<uint64_t>(s))));
  const KSlices view{bounds, merges, 1, 5};

  const MatmulKernel& kernel = table.matmul[static_cast<int>(format)];
  const std::vector<float> x = random_floats(m * kInner);
  const std::vector<float> weight = random_floats(kOutputs * kInner);
  const Buffer packed(kernel.packed_bytes(kOutputs, view), Buffer::Pages::kHuge);  // as the engine keeps them
  kernel.pack({weight.data(), DType::kF32, kInner, kOutputs, view, 0, packed.data()});
  const Buffer prepared(kernel.prepared_bytes(m, view));
  kernel.prepare(x.data(), kInner, m, view, prepared.data());
  const Buffer outputs(static_cast<size_t>(m * kOutputs) * sizeof(float));
  auto* out = reinterpret_cast<float*>(outputs.data());
  for (auto _ : state) {
    kernel.matmul({prepared.data(), m, packed.data(), kOutputs, view, out, 0, kOutputs, 0, panels(kOutputs)});
    benchmark::DoNotOptimize(out);
  }
  report(state, m, packed.size());
}

void kerf_pack(benchmark::State& state, WeightFormat format, DType dtype) {
  const MatmulKernel& kernel = kernels().matmul[static_cast<int>(format)];
  const std::vector<int64_t> bounds = {0, kInner};
  const std::vector<uint8_t> merges = {0};
  const KSlices view{bounds, merges};
  const std::vector<std::byte> rows(static_cast<size_t>(kOutputs * kInner) * size_of(dtype));
  std::vector<std::byte> packed(kernel.packed_bytes(kOutputs, view));
  for (auto _ : state) {
    kernel.pack({rows.data(), dtype, kInner, kOutputs, view, 0, packed.data()});
    benchmark::DoNotOptimize(packed.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * rows.size()));
}

// The last `tokens` of `context` positions in a bf16 cache, for `heads` query heads per KV head. flop_rate counts what
// is visible.
void kerf_attention(benchmark::State& state, const Kernels& table, int64_t tokens, int64_t heads, int64_t head_dim,
                    int64_t context) {
  const std::vector<float> q = random_floats(tokens * heads * head_dim);
  const int64_t half_bytes = head_dim * kBlock * static_cast<int64_t>(sizeof(BFloat16));
  std::vector<int32_t> blocks;
  for (int64_t b = 0; b < context / kBlock; ++b) blocks.push_back(static_cast<int32_t>(b));
  const std::vector<std::byte> cache(blocks.size() * static_cast<size_t>(2 * half_bytes));
  std::vector<float> out(q.size());
  for (auto _ : state) {
    table.attention({.q = q.data(),
                     .q_stride = heads * head_dim,
                     .tokens = tokens,
                     .heads = heads,
                     .head_dim = head_dim,
                     .k = cache.data(),
                     .v = cache.data() + half_bytes,
                     .block_stride = 2 * half_bytes,
                     .blocks = blocks.data(),
                     .kv_dtype = DType::kBF16,
                     .position = context - tokens,
                     .window = 0,
                     .scale = 0.125F,
                     .softcap = 0,
                     .out = out.data(),
                     .out_stride = heads * head_dim});
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * cache.size()));
  const int64_t positions = tokens * context - tokens * (tokens - 1) / 2;
  state.counters["flop_rate"] = benchmark::Counter(4.0 * static_cast<double>(positions * heads * head_dim),
                                                   benchmark::Counter::kIsIterationInvariantRate);
}

// What memory allows one core: reading the bytes of the bf16 weights.
void read_memory(benchmark::State& state) {
  const std::vector<uint64_t> data(static_cast<size_t>(kOutputs * kInner) / 2);
  for (auto _ : state) {
    uint64_t sums[8] = {};
    for (size_t i = 0; i < data.size(); i += 8) {
      for (size_t lane = 0; lane < 8; ++lane) sums[lane] ^= data[i + lane];
    }
    benchmark::DoNotOptimize(sums);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * data.size() * sizeof(uint64_t)));
}

#ifdef KERF_BENCH_DNNL
std::optional<dnnl::memory::data_type> dnnl_type(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32: return dnnl::memory::data_type::f32;
    case WeightFormat::kBF16: return dnnl::memory::data_type::bf16;
    case WeightFormat::kInt8: return dnnl::memory::data_type::s8;
    case WeightFormat::kF16:
    case WeightFormat::kInt4: break;
  }
  return std::nullopt;
}

// Of integers: whole sums of int8 times int8, without groups and their scales.
void dnnl_matmul(benchmark::State& state, dnnl::memory::data_type type, int64_t m) {
  const bool integers = type == dnnl::memory::data_type::s8;
  const auto result = integers ? dnnl::memory::data_type::s32 : dnnl::memory::data_type::f32;
  const auto x_type = integers ? dnnl::memory::data_type::u8 : type;
  const auto any = dnnl::memory::format_tag::any;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const dnnl::matmul::primitive_desc plan(
      dnnl::matmul::desc({{m, kInner}, x_type, dnnl::memory::format_tag::ab}, {{kInner, kOutputs}, type, any},
                         {{m, kOutputs}, result, dnnl::memory::format_tag::ab}),
      engine);
  const dnnl::matmul matmul(plan);
  dnnl::memory x(plan.src_desc(), engine);
  dnnl::memory weight(plan.weights_desc(), engine);
  dnnl::memory out(plan.dst_desc(), engine);
  std::memset(x.get_data_handle(), 0, plan.src_desc().get_size());
  std::memset(weight.get_data_handle(), 0, plan.weights_desc().get_size());
  for (auto _ : state) {
    matmul.execute(stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, weight}, {DNNL_ARG_DST, out}});
    stream.wait();
  }
  report(state, m, plan.weights_desc().get_size());
}
#endif

template <typename Body>
void add(const std::string& name, Body body) {
  benchmark::RegisterBenchmark(name.c_str(), body)->MeasureProcessCPUTime();
}

void register_all() {
  add("read_memory", read_memory);
  const std::pair<const char*, WeightFormat> formats[] = {{"bf16", WeightFormat::kBF16},
                                                          {"f16", WeightFormat::kF16},
                                                          {"f32", WeightFormat::kF32},
                                                          {"int8", WeightFormat::kInt8},
                                                          {"int4", WeightFormat::kInt4}};
  for (const auto& [name, format] : formats) {
    for (const int64_t m : {1, 4, 16, 128, 512}) {
      const std::string shape = std::string(name) + "/m:" + std::to_string(m);
#ifdef KERF_BENCH_DNNL
      const std::optional<dnnl::memory::data_type> type = dnnl_type(format);
      if (type) add("matmul/onednn/" + shape, [=](benchmark::State& state) { dnnl_matmul(state, *type, m); });
#endif
      for (const Kernels* table : available_kernels()) {
        if (table->isa == "scalar" && m > 1) continue;
        for (const int64_t slices : {1, 16}) {
          const std::string label =
              "matmul/" + std::string(table->isa) + "/" + shape + "/slices:" + std::to_string(slices);
          add(label, [table = table, format = format, m, slices](benchmark::State& state) {
            kerf_matmul(state, *table, format, m, slices);
          });
        }
      }
    }
  }
  for (const Kernels* table : available_kernels()) {
    if (table->isa == "scalar") continue;
    for (const int64_t tokens : {1, 16}) {
      for (const int64_t heads : {1, 4, 8}) {
        for (const int64_t head_dim : {64, 128}) {
          add(fmt::format("attention/{}/tokens:{}/heads:{}/head_dim:{}", table->isa, tokens, heads, head_dim),
              [=](benchmark::State& state) { kerf_attention(state, *table, tokens, heads, head_dim, 2048); });
        }
      }
    }
  }
  add("pack/bf16_from_bf16", [](benchmark::State& state) { kerf_pack(state, WeightFormat::kBF16, DType::kBF16); });
  add("pack/bf16_from_f32", [](benchmark::State& state) { kerf_pack(state, WeightFormat::kBF16, DType::kF32); });
  add("pack/f32_from_bf16", [](benchmark::State& state) { kerf_pack(state, WeightFormat::kF32, DType::kBF16); });
  add("pack/int8_from_bf16", [](benchmark::State& state) { kerf_pack(state, WeightFormat::kInt8, DType::kBF16); });
  add("pack/int4_from_bf16", [](benchmark::State& state) { kerf_pack(state, WeightFormat::kInt4, DType::kBF16); });
  add("pack/f16_from_bf16", [](benchmark::State& state) { kerf_pack(state, WeightFormat::kF16, DType::kBF16); });
}

}  // namespace
}  // namespace kerf

int main(int argc, char** argv) {
  setenv("OMP_NUM_THREADS", "1", 0);  // oneDNN's threads
  kerf::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
