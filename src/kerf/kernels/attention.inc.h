// Attention of a sequence's tokens over one KV head (AttentionArgs). Included inside an instruction set's namespace.
//
// A row is one query head of one token. Rows walk the cache together: kMaxRowsAttention of them in registers for each
// key and value that is loaded, and where there are more, a block's keys and values are widened to f32 once for all.

constexpr int kSlotVecs = kBlock / 16;  // vectors that hold one score per slot of a block

// Rows of one walk, so that what they have gathered fits the stack and their queries the L2 cache.
constexpr int64_t kMaxWalk = 128;

// Larger head_dims are not widened ahead: 2 * 64 KB of a block fit the L2 cache.
constexpr int64_t kMaxWidened = 256;

// A row, and what it has gathered so far: the softmax over the positions seen, not yet divided by sum.
struct Row {
  const float* q;       // [head_dim]
  float* out;           // [head_dim]
  int64_t first, last;  // visible positions
  float max = -__builtin_inff();
  float sum = 0;
};

// Of one row and block, or of several merged.
struct Softmax {
  float max, sum;
};

// The slots [lo, hi) of a block.
struct Slots {
  int64_t lo, hi;
  bool has(int64_t slot) const { return lo <= slot && slot < hi; }
  bool all() const { return lo == 0 && hi == kBlock; }
};
Slots visible_slots(const Row& row, int64_t block) {
  const int64_t begin = block * kBlock;
  return {row.first > begin ? row.first - begin : 0, row.last - begin + 1 < kBlock ? row.last - begin + 1 : kBlock};
}

// One KV head's part of a block, perhaps widened.
template <typename T>
struct CacheBlock {
  const T* keys;              // [head_dim, kBlock]
  const T* values;            // [kBlock, head_dim]
  const float* key_scales;    // [kBlock] of an int8 cache, else null
  const float* value_scales;  // [kBlock]
};
template <typename T>
const float* scales_behind(const T* /*data*/, int64_t /*head_dim*/) {
  return nullptr;
}
const float* scales_behind(const int8_t* data, int64_t head_dim) {
  return reinterpret_cast<const float*>(data + head_dim * kBlock);
}

// Vectors that `rows` rows take at once: a divisor of a block's.
constexpr int vecs_for(int rows) {
  int vecs = kSlotVecs;
  while (vecs > 1 && rows * vecs > kMaxSumsAttention) vecs /= 2;
  return vecs;
}

// p[r] = q[r] · k of each slot. Slots that nobody may see get numbers too; they are masked later.
template <int kRows, typename T>
void dot_keys(int64_t head_dim, const Row* rows, const T* keys, float (&p)[kRows][kBlock]) {
  constexpr int kVecs = vecs_for(kRows);
  const float* q[kRows];
  for (int r = 0; r < kRows; ++r) q[r] = rows[r].q;
  for (int64_t slot = 0; slot < kBlock; slot += kVecs * 16) {
    Vec scores[kRows][kVecs];
    for (auto& row : scores) {
      for (Vec& score : row) score = set1(0.0F);
    }
    for (int64_t d = 0; d < head_dim; ++d) {
      for (int v = 0; v < kVecs; ++v) {
        const Vec key = load(keys + d * kBlock + slot + v * 16);
        for (int r = 0; r < kRows; ++r) scores[r][v] = fma(set1(q[r][d]), key, scores[r][v]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVecs; ++v) store(p[r] + slot + v * 16, scores[r][v]);
    }
  }
}

// Scales a row's scores, hides what is invisible, and returns the largest.
float scale_scores(const AttentionArgs& args, Slots visible, const float* key_scales, float* scores) {
  Vec top = set1(-__builtin_inff());
  for (int v = 0; v < kSlotVecs; ++v) {
    Vec score = load(scores + v * 16);
    if (key_scales != nullptr) score = mul(score, load(key_scales + v * 16));
    score = mul(score, set1(args.scale));
    if (args.softcap != 0) score = softcap(score, set1(args.softcap));
    if (!visible.all()) {
      score = select_lanes(visible.lo - v * 16, visible.hi - v * 16, score, set1(-__builtin_inff()));
    }
    store(scores + v * 16, score);
    top = v == 0 ? score : max(top, score);
  }
  return max(top);
}

// Turns scores into p = exp(score - max), 0 where invisible, and returns their sum. What is stored of an int8 cache is
// p * value_scales; where invisible it may be anything.
float exponentials(Slots visible, float max, const float* value_scales, float* scores) {
  Vec p[kSlotVecs];
  for (int v = 0; v < kSlotVecs; ++v) {
    p[v] = exp(sub(load(scores + v * 16), set1(max)));
    if (!visible.all()) p[v] = select_lanes(visible.lo - v * 16, visible.hi - v * 16, p[v], set1(0.0F));
    store(scores + v * 16, value_scales == nullptr ? p[v] : mul(p[v], load(value_scales + v * 16)));
  }
  return sum(add(add(p[0], p[1]), add(p[2], p[3])));
}

// How a block joins what a row has gathered, both scaled to the new maximum.
template <int kRows>
struct Factors {
  float keep[kRows];
  float take[kRows];
};
template <int kRows>
Factors<kRows> merge_softmax(Row* rows, const Softmax (&block)[kRows]) {
  static_assert(2 * kRows <= 16);
  float factors[16] = {};
  float top[kRows];
  for (int r = 0; r < kRows; ++r) {
    top[r] = rows[r].max > block[r].max ? rows[r].max : block[r].max;
    factors[r] = rows[r].max - top[r];
    factors[kRows + r] = block[r].max - top[r];
  }
  store(factors, exp(load(factors)));
  Factors<kRows> result;
  for (int r = 0; r < kRows; ++r) {
    result.keep[r] = factors[r];
    result.take[r] = factors[kRows + r];
    rows[r].max = top[r];
    rows[r].sum = __builtin_fmaf(rows[r].sum, factors[r], block[r].sum * factors[kRows + r]);
  }
  return result;
}

Vec merge_values(Vec gathered, float keep, Vec block, float take) {
  return fma(gathered, set1(keep), mul(block, set1(take)));
}

// Hands sum over the visible slots of p * v, sixteen elements d at a time, to put(row, d, sum).
template <int kRows, typename T, typename Put>
void sum_values(int64_t head_dim, const T* values, const Slots (&visible)[kRows], const float (&p)[kRows][kBlock],
                const Put& put) {
  Slots all = visible[0];   // that some row sees
  Slots full = visible[0];  // that every row sees
  for (const Slots& row : visible) {
    all = {row.lo < all.lo ? row.lo : all.lo, row.hi > all.hi ? row.hi : all.hi};
    full = {row.lo > full.lo ? row.lo : full.lo, row.hi < full.hi ? row.hi : full.hi};
  }
  if (full.lo >= full.hi) full = {all.hi, all.hi};

  const auto share = [&](auto vecs, int64_t d, auto in) {
    constexpr int kVecs = decltype(vecs)::value;
    Vec sums[kRows][kVecs];
    for (auto& row : sums) {
      for (Vec& one : row) one = set1(0.0F);
    }
    const auto add_slots = [&](int64_t lo, int64_t hi, auto some) {
      for (int64_t slot = lo; slot < hi; ++slot) {
        for (int v = 0; v < kVecs; ++v) {
          const Vec value = in(values + slot * head_dim + d + v * 16);
          for (int r = 0; r < kRows; ++r) {
            if (!decltype(some)::value || visible[r].has(slot)) sums[r][v] = fma(set1(p[r][slot]), value, sums[r][v]);
          }
        }
      }
    };
    // One row has no slots that only some rows see; without those loops its sums stay in registers.
    if constexpr (kRows > 1) add_slots(all.lo, full.lo, True{});
    add_slots(full.lo, full.hi, False{});
    if constexpr (kRows > 1) add_slots(full.hi, all.hi, True{});
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVecs; ++v) put(r, d + v * 16, sums[r][v]);
    }
  };
  constexpr int kVecs = vecs_for(kRows);
  const auto whole = [](const T* from) { return load(from); };
  int64_t d = 0;
  for (; d + kVecs * 16 <= head_dim; d += kVecs * 16) share(Constant<kVecs>{}, d, whole);
  for (; d + 16 <= head_dim; d += 16) share(Constant<1>{}, d, whole);
  if (const int64_t rest = head_dim - d; rest > 0) {
    share(Constant<1>{}, d, [rest](const T* from) { return load_first(from, rest); });
  }
}

// Gathers one block for kRows rows that all see some of it. `merge`: into what they have; otherwise they have nothing.
template <int kRows, typename T>
void add_block(const AttentionArgs& args, Row* rows, int64_t block, const CacheBlock<T>& cache, bool merge) {
  alignas(64) float p[kRows][kBlock];
  dot_keys<kRows>(args.head_dim, rows, cache.keys, p);
  Slots visible[kRows];
  Softmax softmax[kRows];
  for (int r = 0; r < kRows; ++r) {
    visible[r] = visible_slots(rows[r], block);
    softmax[r].max = scale_scores(args, visible[r], cache.key_scales, p[r]);
  }
  for (int r = 0; r < kRows; ++r) {
    softmax[r].sum = exponentials(visible[r], softmax[r].max, cache.value_scales, p[r]);
  }
  Factors<kRows> factors;
  if (merge) factors = merge_softmax<kRows>(rows, softmax);
  sum_values<kRows>(args.head_dim, cache.values, visible, p, [&](int r, int64_t d, Vec sum) {
    float* out = rows[r].out + d;
    const int64_t left = args.head_dim - d;
    if (merge) sum = merge_values(left < 16 ? load_first(out, left) : load(out), factors.keep[r], sum, factors.take[r]);
    left < 16 ? store_first(out, sum, left) : store(out, sum);
  });
  for (int r = 0; r < kRows && !merge; ++r) {
    rows[r].max = softmax[r].max;
    rows[r].sum = softmax[r].sum;
  }
}

// Any number of rows, as many at a time as registers hold.
template <typename T, int kRows = kMaxRowsAttention>
void add_block_to_all(const AttentionArgs& args, Row* rows, int64_t count, int64_t block, const CacheBlock<T>& cache,
                      bool merge) {
  for (; count >= kRows; rows += kRows, count -= kRows) add_block<kRows>(args, rows, block, cache, merge);
  if constexpr (kRows > 1) add_block_to_all<T, kRows - 1>(args, rows, count, block, cache, merge);
}

template <typename T>
void walk_block(const AttentionArgs& args, Row* rows, int64_t count, int64_t block, bool merge) {
  const int64_t offset = args.blocks[block] * args.block_stride;
  const auto* keys = reinterpret_cast<const T*>(args.k + offset);
  const auto* values = reinterpret_cast<const T*>(args.v + offset);
  const float* key_scales = scales_behind(keys, args.head_dim);
  const float* value_scales = scales_behind(values, args.head_dim);
  if (count <= kMaxRowsAttention || args.head_dim > kMaxWidened) {
    return add_block_to_all<T>(args, rows, count, block, {keys, values, key_scales, value_scales}, merge);
  }
  alignas(64) float wide_keys[kMaxWidened * kBlock];
  alignas(64) float wide_values[kBlock * kMaxWidened];
  widen_from(keys, args.head_dim * kBlock, wide_keys);
  widen_from(values, kBlock * args.head_dim, wide_values);
  add_block_to_all<float>(args, rows, count, block, {wide_keys, wide_values, key_scales, value_scales}, merge);
}

// The rows of query heads [head, head + heads) of every token.
void make_rows(const AttentionArgs& args, int64_t head, int64_t heads, Row* rows) {
  for (int64_t token = 0; token < args.tokens; ++token) {
    const int64_t last = args.position + token;
    const int64_t first = args.window == 0 || last < args.window ? 0 : last - args.window + 1;
    for (int64_t h = head; h < head + heads; ++h, ++rows) {
      *rows = {.q = args.q + token * args.q_stride + h * args.head_dim,
               .out = args.out + token * args.out_stride + h * args.head_dim,
               .first = first,
               .last = last};
    }
  }
}

void finish(const AttentionArgs& args, const Row& row) {
  for_each_16(args.head_dim, [&](auto in, auto to) { to(row.out, div(in(row.out), set1(row.sum))); });
}

// Tokens come in order, so those that see a block follow each other.
template <typename T>
void walk(const AttentionArgs& args, Row* rows, int64_t count) {
  for (int64_t r = 0; r < count; ++r) {
    for (int64_t d = 0; d < args.head_dim; ++d) rows[r].out[d] = 0.0F;
  }
  int64_t begin = 0;
  int64_t end = 0;
  for (int64_t block = rows[0].first / kBlock; block <= rows[count - 1].last / kBlock; ++block) {
    while (rows[begin].last < block * kBlock) ++begin;
    while (end < count && rows[end].first < (block + 1) * kBlock) ++end;
    walk_block<T>(args, rows + begin, end - begin, block, true);
  }
  for (int64_t r = 0; r < count; ++r) finish(args, rows[r]);
}

template <typename T>
void attention_of(const AttentionArgs& args) {
  Row rows[kMaxWalk];
  const int64_t most = kMaxWalk / args.tokens;
  for (int64_t head = 0; head < args.heads; head += most) {
    const int64_t heads = args.heads - head < most ? args.heads - head : most;
    make_rows(args, head, heads, rows);
    walk<T>(args, rows, args.tokens * heads);
  }
}

// Shares are written as if they were out.
template <typename T>
void attention_block_of(const AttentionArgs& args, int64_t block, float* share) {
  Row rows[kMaxWalk];
  AttentionArgs shared = args;
  shared.out = share;
  float* max = share + args.heads * args.head_dim;
  float* sum = max + args.heads;
  for (int64_t head = 0; head < args.heads; head += kMaxWalk) {
    const int64_t heads = args.heads - head < kMaxWalk ? args.heads - head : kMaxWalk;
    make_rows(shared, head, heads, rows);
    walk_block<T>(args, rows, heads, block, false);
    for (int64_t h = 0; h < heads; ++h) {
      max[head + h] = rows[h].max;
      sum[head + h] = rows[h].sum;
    }
  }
}

void attention_merge(const AttentionArgs& args, const float* shares, int64_t count) {
  const int64_t width = args.heads * args.head_dim;
  for (int64_t h = 0; h < args.heads; ++h) {
    Row row{.q = nullptr, .out = args.out + h * args.head_dim, .first = 0, .last = 0};
    for (int64_t d = 0; d < args.head_dim; ++d) row.out[d] = 0.0F;
    for (int64_t b = 0; b < count; ++b) {
      const float* share = shares + b * (width + 2 * args.heads);
      const Softmax block[1] = {{share[width + h], share[width + args.heads + h]}};
      const Factors<1> factors = merge_softmax<1>(&row, block);
      const float* values = share + h * args.head_dim;
      for_each_16(args.head_dim, [&](auto in, auto to) {
        to(row.out, merge_values(in(row.out), factors.keep[0], in(values), factors.take[0]));
      });
    }
    finish(args, row);
  }
}

void attention(const AttentionArgs& args) {
  switch (args.kv_dtype) {
    case DType::kF32: return attention_of<float>(args);
    case DType::kF16: return attention_of<Half>(args);
    case DType::kBF16: return attention_of<BFloat16>(args);
    case DType::kI8: return attention_of<int8_t>(args);
    case DType::kU8:
    case DType::kI32: __builtin_trap();
  }
}

void attention_block(const AttentionArgs& args, int64_t block, float* share) {
  switch (args.kv_dtype) {
    case DType::kF32: return attention_block_of<float>(args, block, share);
    case DType::kF16: return attention_block_of<Half>(args, block, share);
    case DType::kBF16: return attention_block_of<BFloat16>(args, block, share);
    case DType::kI8: return attention_block_of<int8_t>(args, block, share);
    case DType::kU8:
    case DType::kI32: __builtin_trap();
  }
}
