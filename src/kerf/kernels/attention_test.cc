#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <span>

#include "kerf/kernels/test_support.h"

namespace kerf {
namespace {

constexpr DType kDTypes[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kI8};

// What the cache keeps of [positions, head_dim].
Floats rounded(Floats x, int64_t head_dim, DType dtype) {
  for (size_t row = 0; row < x.size(); row += static_cast<size_t>(head_dim)) {
    const std::span head(&x[row], static_cast<size_t>(head_dim));
    float most = 0;
    for (const float value : head) most = std::max(most, std::abs(value));
    for (float& value : head) {
      switch (dtype) {
        case DType::kF16: value = widen(to_half(value)); break;
        case DType::kBF16: value = widen(to_bf16(value)); break;
        case DType::kI8: value = std::nearbyint(value * (127.0F / most)) * (most / 127.0F); break;
        default: break;
      }
    }
  }
  return x;
}

// One sequence's cache of one KV head: blocks in shuffled places, every slot never written is NaN.
class Cache {
 public:
  Cache(const Kernels& table, int64_t head_dim, DType dtype, int64_t positions, std::mt19937& rng)
      : keys(random_floats(positions * head_dim, rng)), values(random_floats(positions * head_dim, rng)) {
    const int64_t count = (positions + kBlock - 1) / kBlock;
    for (int64_t b = 0; b < count; ++b) blocks.push_back(static_cast<int32_t>(2 * (count - 1 - b)));
    half_bytes = kv_head_bytes(head_dim, dtype);
    bytes.assign(static_cast<size_t>(2 * count * 2 * half_bytes), std::byte{0xff});
    for (int64_t p = 0; p < positions; ++p) {
      std::byte* block = bytes.data() + blocks[static_cast<size_t>(p / kBlock)] * 2 * half_bytes;
      table.store_key(&keys[static_cast<size_t>(p * head_dim)], head_dim, dtype, block, p % kBlock);
      table.store_value(&values[static_cast<size_t>(p * head_dim)], head_dim, dtype, block + half_bytes, p % kBlock);
    }
  }

  Floats keys, values;  // [positions, head_dim]
  std::vector<int32_t> blocks;
  std::vector<std::byte> bytes;
  int64_t half_bytes = 0;
};

struct Case {
  int64_t heads, head_dim, first, last;
  float softcap;
};
constexpr Case kCases[] = {{1, 64, 0, 0, 0},     {4, 64, 0, 63, 0},   {1, 64, 0, 64, 0},    {7, 128, 0, 200, 0},
                           {2, 96, 130, 191, 0}, {3, 80, 70, 300, 0}, {4, 256, 5, 129, 50}, {5, 24, 0, 150, 30},
                           {8, 48, 63, 64, 0},   {1, 2, 10, 90, 0},   {2, 1024, 0, 70, 0},  {6, 18, 127, 128, 5}};

AttentionArgs args_of(const Cache& cache, const Floats& q, const Case& c, DType dtype, Floats& out) {
  return {.q = q.data(),
          .q_stride = c.heads * c.head_dim,
          .tokens = 1,
          .heads = c.heads,
          .head_dim = c.head_dim,
          .k = cache.bytes.data(),
          .v = cache.bytes.data() + cache.half_bytes,
          .block_stride = 2 * cache.half_bytes,
          .blocks = cache.blocks.data(),
          .kv_dtype = dtype,
          .position = c.last,
          .window = c.first == 0 ? 0 : c.last - c.first + 1,
          .scale = 1.0F / std::sqrt(static_cast<float>(c.head_dim)),
          .softcap = c.softcap,
          .out = out.data(),
          .out_stride = c.heads * c.head_dim};
}

Floats attend(const Kernels& table, const Cache& cache, const Floats& q, const Case& c, DType dtype) {
  Floats out(q.size(), -1.0F);
  table.attention(args_of(cache, q, c, dtype, out));
  return out;
}

// Positions beyond `last` exist too (a chunk of prefill writes all its keys first) and must not be seen.
constexpr int64_t kLater = 3;

TEST(Attention, EveryIsaGivesTheBitsOfTheScalarTwin) {
  const Kernels& scalar = *available_kernels().back();
  for (const DType dtype : kDTypes) {
    for (const Case& c : kCases) {
      std::mt19937 rng(1);
      const Cache cache(scalar, c.head_dim, dtype, c.last + kLater, rng);
      const Floats q = random_floats(c.heads * c.head_dim, rng);
      const Floats expected = attend(scalar, cache, q, c, dtype);
      for (const Kernels* table : available_kernels()) {
        rng.seed(1);
        const Cache same(*table, c.head_dim, dtype, c.last + kLater, rng);
        EXPECT_EQ(same.bytes, cache.bytes) << table->isa << ": the cache differs";
        EXPECT_TRUE(same_bits(attend(*table, cache, q, c, dtype), expected))
            << table->isa << " dtype " << name_of(dtype) << " heads " << c.heads << " head_dim " << c.head_dim;
      }
    }
  }
}

TEST(Attention, IsSoftmaxOfScoresTimesValues) {
  for (const DType dtype : kDTypes) {
    for (const Case& c : kCases) {
      std::mt19937 rng(2);
      for (const Kernels* table : available_kernels()) {
        const Cache cache(*table, c.head_dim, dtype, c.last + kLater, rng);
        const Floats q = random_floats(c.heads * c.head_dim, rng);
        const Floats out = attend(*table, cache, q, c, dtype);
        const Floats keys = rounded(cache.keys, c.head_dim, dtype);
        const Floats values = rounded(cache.values, c.head_dim, dtype);
        for (int64_t h = 0; h < c.heads; ++h) {
          std::vector<double> p;
          double total = 0;
          double widest = 0;  // largest sum of |q k| * scale: what a score's error is relative to
          const double scale = 1 / std::sqrt(static_cast<double>(c.head_dim));
          for (int64_t position = c.first; position <= c.last; ++position) {
            double score = 0;
            double magnitude = 0;
            for (int64_t d = 0; d < c.head_dim; ++d) {
              const double term = static_cast<double>(q[static_cast<size_t>(h * c.head_dim + d)]) *
                                  keys[static_cast<size_t>(position * c.head_dim + d)] * scale;
              score += term;
              magnitude += std::abs(term);
            }
            if (c.softcap != 0) score = c.softcap * std::tanh(score / c.softcap);
            p.push_back(std::exp(score));
            total += p.back();
            widest = std::max(widest, magnitude);
          }
          // Half ulps: head_dim and a few per score, which exp turns into a relative error; and one per position
          // for the sums. They bound the error relative to sum p |v| / sum p, here at most max |v| < 6.
          const double bound =
              0x1p-24 * ((static_cast<double>(c.head_dim) + 8) * widest * 2 + 2 * static_cast<double>(p.size()) + 16) *
              6;
          for (int64_t d = 0; d < c.head_dim; ++d) {
            double expected = 0;
            for (size_t i = 0; i < p.size(); ++i) {
              const auto at = (static_cast<size_t>(c.first) + i) * static_cast<size_t>(c.head_dim);
              expected += p[i] / total * values[at + static_cast<size_t>(d)];
            }
            ASSERT_NEAR(out[static_cast<size_t>(h * c.head_dim + d)], expected, bound)
                << table->isa << " " << name_of(dtype) << " head_dim " << c.head_dim << " last " << c.last;
          }
        }
      }
    }
  }
}

TEST(Attention, DoesNotDependOnHeadsTogetherOrWhereBlocksLie) {
  std::mt19937 rng(3);
  const Case c{7, 64, 20, 333, 0};
  for (const Kernels* table : available_kernels()) {
    const Cache cache(*table, c.head_dim, DType::kBF16, c.last + kLater, rng);
    const Floats q = random_floats(c.heads * c.head_dim, rng);
    const Floats together = attend(*table, cache, q, c, DType::kBF16);
    Floats apart;
    for (int64_t h = 0; h < c.heads; ++h) {
      const Floats one(q.begin() + h * c.head_dim, q.begin() + (h + 1) * c.head_dim);
      const Floats out = attend(*table, cache, one, {1, c.head_dim, c.first, c.last, 0}, DType::kBF16);
      apart.insert(apart.end(), out.begin(), out.end());
    }
    EXPECT_TRUE(same_bits(apart, together)) << table->isa;

    Cache moved = cache;  // the first two blocks change places
    std::swap(moved.blocks[0], moved.blocks[1]);
    const auto at = [&](int32_t block) { return moved.bytes.begin() + block * 2 * moved.half_bytes; };
    std::swap_ranges(at(moved.blocks[0]), at(moved.blocks[0]) + 2 * moved.half_bytes, at(moved.blocks[1]));
    EXPECT_TRUE(same_bits(attend(*table, moved, q, c, DType::kBF16), together)) << table->isa;
  }
}

// Tokens that walk the cache together: tiles that begin and end inside blocks, with windows shorter and longer than
// they.
TEST(Attention, OfTokensTogetherIsThatOfEachAlone) {
  struct Tile {
    int64_t tokens, position, window, heads, head_dim;
  };
  constexpr Tile kTiles[] = {{64, 0, 0, 1, 64},    {16, 100, 0, 4, 80},   {9, 60, 0, 7, 128}, {30, 250, 20, 3, 24},
                             {50, 40, 5, 2, 48},   {128, 130, 64, 1, 16}, {3, 62, 1, 8, 64},  {12, 190, 100, 9, 288},
                             {10, 60, 65, 13, 18}, {2, 127, 130, 64, 32}};
  for (const DType dtype : kDTypes) {
    for (const Tile& tile : kTiles) {
      std::mt19937 rng(5);
      const int64_t width = tile.heads * tile.head_dim;
      const Cache cache(*available_kernels().back(), tile.head_dim, dtype, tile.position + tile.tokens + kLater, rng);
      const Floats q = random_floats(tile.tokens * width, rng);
      for (const Kernels* table : available_kernels()) {
        Floats alone;
        for (int64_t t = 0; t < tile.tokens; ++t) {
          const int64_t last = tile.position + t;
          const int64_t first = tile.window == 0 ? 0 : std::max<int64_t>(0, last - tile.window + 1);
          const Floats one(q.begin() + t * width, q.begin() + (t + 1) * width);
          const Floats out = attend(*table, cache, one, {tile.heads, tile.head_dim, first, last, 0}, dtype);
          alone.insert(alone.end(), out.begin(), out.end());
        }
        Floats together(q.size(), -1.0F);
        AttentionArgs args = args_of(cache, q, {tile.heads, tile.head_dim, 0, tile.position, 0}, dtype, together);
        args.tokens = tile.tokens;
        args.window = tile.window;
        table->attention(args);
        EXPECT_TRUE(same_bits(together, alone))
            << table->isa << " " << name_of(dtype) << " tokens " << tile.tokens << " at " << tile.position;
      }
    }
  }
}

TEST(Attention, OfBlocksApartMergesToThatOfAll) {
  for (const DType dtype : kDTypes) {
    for (const Case& c : kCases) {
      std::mt19937 rng(6);
      for (const Kernels* table : available_kernels()) {
        const Cache cache(*table, c.head_dim, dtype, c.last + kLater, rng);
        const Floats q = random_floats(c.heads * c.head_dim, rng);
        const int64_t first_block = c.first / kBlock;
        const int64_t count = c.last / kBlock + 1 - first_block;
        const int64_t share = c.heads * (c.head_dim + 2);
        Floats shares(static_cast<size_t>(count * share), -1.0F);
        Floats out(q.size(), -1.0F);
        const AttentionArgs args = args_of(cache, q, c, dtype, out);
        for (int64_t b = count - 1; b >= 0; --b) {
          table->attention_block(args, first_block + b, shares.data() + b * share);
        }
        table->attention_merge(args, shares.data(), count);
        EXPECT_TRUE(same_bits(out, attend(*table, cache, q, c, dtype)))
            << table->isa << " " << name_of(dtype) << " heads " << c.heads << " head_dim " << c.head_dim;
      }
    }
  }
}

TEST(Attention, AnInt8CacheTellsWhatIsNotFinite) {
  for (const Kernels* table : available_kernels()) {
    for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
      std::mt19937 rng(7);
      Floats key = random_floats(24, rng);
      key[17] = bad;
      std::vector<std::byte> block(static_cast<size_t>(kv_head_bytes(24, DType::kI8)));
      float scale = 0;
      table->store_key(key.data(), 24, DType::kI8, block.data(), 5);
      std::memcpy(&scale, block.data() + 24 * kBlock + 5 * sizeof(float), sizeof(scale));
      EXPECT_TRUE(std::isnan(scale)) << table->isa;
      key[17] = 1;
      table->store_value(key.data(), 24, DType::kI8, block.data(), 5);
      std::memcpy(&scale, block.data() + 24 * kBlock + 5 * sizeof(float), sizeof(scale));
      EXPECT_FALSE(std::isnan(scale)) << table->isa;
    }
  }
}

TEST(Attention, SurvivesScoresFarApart) {
  for (const Kernels* table : available_kernels()) {
    std::mt19937 rng(4);
    Cache cache(*table, 16, DType::kF32, 130, rng);
    Floats q = random_floats(16, rng, 1000.0F);
    const Floats out = attend(*table, cache, q, {1, 16, 0, 129, 0}, DType::kF32);
    int64_t best = 0;  // one position takes all the weight
    double best_score = -1e30;
    for (int64_t p = 0; p < 130; ++p) {
      double score = 0;
      for (int64_t d = 0; d < 16; ++d) {
        score += static_cast<double>(q[static_cast<size_t>(d)]) * cache.keys[static_cast<size_t>(p * 16 + d)];
      }
      if (score > best_score) best_score = score, best = p;
    }
    for (int64_t d = 0; d < 16; ++d) {
      EXPECT_FLOAT_EQ(out[static_cast<size_t>(d)], cache.values[static_cast<size_t>(best * 16 + d)]) << table->isa;
    }
  }
}

}  // namespace
}  // namespace kerf
