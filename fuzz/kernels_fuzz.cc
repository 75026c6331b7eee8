// Holds every kernel table to the scalar twin: the input's first bytes choose shapes, the rest are
// the floats, bit patterns and all.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "kerf/kernels/kernels.h"
#include "kerf/spec/reduction.h"

namespace kerf {
namespace {

// Takes the input byte by byte, over and over.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  int64_t below(int64_t n) { return next() % n; }
  std::vector<float> floats(int64_t n) {
    std::vector<float> values(static_cast<size_t>(n));
    for (float& value : values) {
      uint32_t bits = 0;
      for (int i = 0; i < 4; ++i) bits = bits << 8 | next();
      value = std::bit_cast<float>(bits);
    }
    return values;
  }

 private:
  uint8_t next() {
    const size_t at = at_++;
    return static_cast<uint8_t>(data_[at % size_] + at / size_);  // each round differs
  }
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

// Any NaN equals any other, as the kernels' contract has it.
void expect_same(const char* what, const Kernels& table, const std::vector<float>& actual,
                 const std::vector<float>& expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(actual[i]) && std::isnan(expected[i])) continue;
    if (std::bit_cast<uint32_t>(actual[i]) == std::bit_cast<uint32_t>(expected[i])) continue;
    std::fprintf(stderr, "%s of %s: element %zu is %a, scalar has %a\n", what, table.isa.data(), i,
                 static_cast<double>(actual[i]), static_cast<double>(expected[i]));
    std::abort();
  }
}

std::vector<float> matmul(const Kernels& table, Bytes bytes) {
  const MatmulKernel& kernel = table.matmul[bytes.below(kWeightFormats)];
  const int64_t m = 1 + bytes.below(27);
  const int64_t n = 1 + bytes.below(100);
  const int64_t k = 1 + bytes.below(80) + 512 * bytes.below(2);  // some so long that groups are quantised together
  const int count = 1 + static_cast<int>(bytes.below(std::min<int64_t>(k, kMaxSlices)));
  const std::vector<int64_t> bounds = even_bounds(k, count);
  const MergeProgram program = ReductionTree({0, count}).local(0);
  const KSlices slices{bounds, program.merges, program.results, program.depth};
  const DType dtype = bytes.below(2) == 0 ? DType::kF32 : DType::kBF16;
  const std::vector<float> x = bytes.floats(m * k);
  const std::vector<float> weight = bytes.floats(n * k);
  std::vector<std::byte> packed(kernel.packed_bytes(n, slices));
  kernel.pack({weight.data(), dtype, k, n, slices, 0, packed.data()});
  std::vector<std::byte> prepared(kernel.prepared_bytes(m, slices));
  kernel.prepare(x.data(), k, m, slices, prepared.data());
  std::vector<float> out(static_cast<size_t>(m * n));
  kernel.matmul({prepared.data(), m, packed.data(), n, slices, out.data(), 0, n, 0, panels(n)});
  return out;
}

std::vector<float> attention(const Kernels& table, Bytes bytes) {
  constexpr DType kDTypes[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kI8};
  const DType dtype = kDTypes[bytes.below(4)];
  const int64_t tokens = 1 + bytes.below(20);
  const int64_t heads = 1 + bytes.below(9);
  const int64_t head_dim = 2 + 2 * bytes.below(40);
  const int64_t position = bytes.below(230);
  const int64_t window = bytes.below(2) == 0 ? 0 : 1 + bytes.below(250);
  const int32_t blocks[] = {3, 0, 2, 1};
  const int64_t block_bytes = kv_head_bytes(head_dim, dtype);
  const std::vector<float> cache = bytes.floats(2 * block_bytes);  // 4 blocks of keys and values
  const std::vector<float> q = bytes.floats(tokens * heads * head_dim);
  const auto* k = reinterpret_cast<const std::byte*>(cache.data());
  std::vector<float> out(q.size());
  AttentionArgs args{.q = q.data(),
                     .q_stride = heads * head_dim,
                     .tokens = tokens,
                     .heads = heads,
                     .head_dim = head_dim,
                     .k = k,
                     .v = k + block_bytes,
                     .block_stride = 2 * block_bytes,
                     .blocks = blocks,
                     .kv_dtype = dtype,
                     .position = position,
                     .window = window,
                     .scale = static_cast<float>(1 + bytes.below(8)) / 8,
                     .softcap = static_cast<float>(bytes.below(3)) * 10,
                     .out = out.data(),
                     .out_stride = heads * head_dim};
  if (bytes.below(2) == 0) {
    table.attention(args);
  } else {  // the first token by blocks
    args.tokens = 1;
    const int64_t first = window == 0 || position < window ? 0 : (position - window + 1) / kBlock;
    const int64_t count = position / kBlock + 1 - first;
    std::vector<float> shares(static_cast<size_t>(count * heads * (head_dim + 2)));
    for (int64_t b = 0; b < count; ++b) {
      table.attention_block(args, first + b, shares.data() + b * heads * (head_dim + 2));
    }
    table.attention_merge(args, shares.data(), count);
  }
  return out;
}

// One key and one value stored, as the bytes of their blocks.
std::vector<float> stored(const Kernels& table, Bytes bytes) {
  constexpr DType kDTypes[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kI8};
  const DType dtype = kDTypes[bytes.below(4)];
  const int64_t head_dim = 2 + 2 * bytes.below(40);
  const int64_t slot = bytes.below(kBlock);
  const std::vector<float> x = bytes.floats(head_dim);
  std::vector<float> blocks(static_cast<size_t>(2 * kv_head_bytes(head_dim, dtype)) / sizeof(float));
  auto* data = reinterpret_cast<std::byte*>(blocks.data());
  table.store_key(x.data(), head_dim, dtype, data, slot);
  table.store_value(x.data(), head_dim, dtype, data + kv_head_bytes(head_dim, dtype), slot);
  return blocks;
}

std::vector<float> elementwise(const Kernels& table, Bytes bytes) {
  const int64_t n = 1 + bytes.below(100);
  std::vector<float> out = bytes.floats(n);
  const std::vector<float> y = bytes.floats(n);
  switch (bytes.below(6)) {
    case 0: table.rms_norm(out.data(), y.data(), 1e-5F, n, out.data()); break;
    case 1: table.rope(out.data(), y.data(), y.data() + n / 2, n / 2 * 2); break;
    case 2: table.softcap(out.data(), 1 + std::abs(y[0]), n); break;
    case 3: table.silu_mul(out.data(), y.data(), out.data(), n); break;
    case 4: table.gelu_tanh_mul(out.data(), y.data(), out.data(), n); break;
    default: table.widen(y.data(), DType::kF16, n, out.data());
  }
  return out;
}

}  // namespace
}  // namespace kerf

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const kerf::Bytes bytes(data, size);
  const kerf::Kernels& scalar = *kerf::available_kernels().back();
  for (const kerf::Kernels* table : kerf::available_kernels()) {
    kerf::expect_same("matmul", *table, kerf::matmul(*table, bytes), kerf::matmul(scalar, bytes));
    kerf::expect_same("attention", *table, kerf::attention(*table, bytes), kerf::attention(scalar, bytes));
    kerf::expect_same("stored", *table, kerf::stored(*table, bytes), kerf::stored(scalar, bytes));
    kerf::expect_same("elementwise", *table, kerf::elementwise(*table, bytes), kerf::elementwise(scalar, bytes));
  }
  return 0;
}
