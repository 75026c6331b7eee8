// Attention of one token over one KV head (AttentionArgs). Included inside an instruction set's
// namespace.
//
// kHeads query heads walk the cache together, so each key and value is read once for all of them.

constexpr int kVecs = kBlock / 16;  // vectors that hold one score per slot of a block

// What a head has gathered so far: the softmax over the positions seen, not yet divided by sum.
struct Running {
  float max;
  float sum;
};

// scores[h] = q[h] · k of each slot. Slots that nobody may see get numbers too; they are masked later.
template <int kHeads, typename T>
void dot_keys(const AttentionArgs& args, int64_t head, const T* keys, Vec (&scores)[kHeads][kVecs]) {
  for (auto& row : scores) {
    for (Vec& score : row) score = set1(0.0F);
  }
  const float* q = args.q + head * args.head_dim;
  for (int64_t d = 0; d < args.head_dim; ++d, keys += kBlock) {
    for (int v = 0; v < kVecs; ++v) {
      const Vec key = load(keys + v * 16);
      for (int h = 0; h < kHeads; ++h) scores[h][v] = fma(set1(q[h * args.head_dim + d]), key, scores[h][v]);
    }
  }
}

// Turns one head's scores into p = exp(score - max) over the visible slots [lo, hi), 0 elsewhere.
Running block_softmax(const AttentionArgs& args, int64_t lo, int64_t hi, const Vec (&scores)[kVecs], float* p) {
  Vec visible[kVecs];
  for (int v = 0; v < kVecs; ++v) {
    Vec score = mul(scores[v], set1(args.scale));
    if (args.softcap != 0) score = softcap(score, set1(args.softcap));
    visible[v] = select_lanes(lo - v * 16, hi - v * 16, score, set1(-__builtin_inff()));
  }
  const float top = max(max(max(visible[0], visible[1]), max(visible[2], visible[3])));
  Vec weights[kVecs];
  for (int v = 0; v < kVecs; ++v) {
    weights[v] = select_lanes(lo - v * 16, hi - v * 16, exp(sub(visible[v], set1(top))), set1(0.0F));
    store(p + v * 16, weights[v]);
  }
  return {top, sum(add(add(weights[0], weights[1]), add(weights[2], weights[3])))};
}

// Adds sum over the visible slots of p * v, the block's share, to `out`, both scaled to the new maximum.
template <int kHeads, typename T>
void add_values(const AttentionArgs& args, int64_t head, const T* values, int64_t lo, int64_t hi,
                const float (&p)[kHeads][kBlock], const float (&keep)[kHeads], const float (&take)[kHeads]) {
  float* out = args.out + head * args.head_dim;
  int64_t d = 0;
  const auto share = [&](auto in, auto to_load, auto to_store) {
    Vec sums[kHeads];
    for (Vec& one : sums) one = set1(0.0F);
    for (int64_t slot = lo; slot < hi; ++slot) {
      const Vec value = in(values + slot * args.head_dim + d);
      for (int h = 0; h < kHeads; ++h) sums[h] = fma(set1(p[h][slot]), value, sums[h]);
    }
    for (int h = 0; h < kHeads; ++h) {
      float* to = out + h * args.head_dim + d;
      to_store(to, fma(to_load(to), set1(keep[h]), mul(sums[h], set1(take[h]))));
    }
  };
  for (; d + 16 <= args.head_dim; d += 16) {
    share([](const T* from) { return load(from); }, [](const float* from) { return load(from); },
          [](float* to, Vec a) { store(to, a); });
  }
  if (const int64_t rest = args.head_dim - d; rest > 0) {
    share([rest](const T* from) { return load_first(from, rest); },
          [rest](const float* from) { return load_first(from, rest); },
          [rest](float* to, Vec a) { store_first(to, a, rest); });
  }
}

template <int kHeads, typename T>
void attend(const AttentionArgs& args, int64_t head) {
  Running running[kHeads];
  for (Running& one : running) one = {-__builtin_inff(), 0.0F};
  for (int64_t i = 0; i < kHeads * args.head_dim; ++i) args.out[head * args.head_dim + i] = 0.0F;

  for (int64_t b = args.first / kBlock; b <= args.last / kBlock; ++b) {
    const int64_t lo = args.first > b * kBlock ? args.first - b * kBlock : 0;
    const int64_t hi = args.last - b * kBlock + 1 < kBlock ? args.last - b * kBlock + 1 : kBlock;
    const int64_t offset = args.blocks[b] * args.block_stride;
    Vec scores[kHeads][kVecs];
    dot_keys(args, head, reinterpret_cast<const T*>(args.k + offset), scores);
    float p[kHeads][kBlock];
    float keep[kHeads];
    float take[kHeads];
    for (int h = 0; h < kHeads; ++h) {
      const Running block = block_softmax(args, lo, hi, scores[h], p[h]);
      const float top = running[h].max > block.max ? running[h].max : block.max;
      float factors[16] = {running[h].max - top, block.max - top};
      store(factors, exp(load(factors)));
      keep[h] = factors[0];
      take[h] = factors[1];
      running[h] = {top, __builtin_fmaf(running[h].sum, keep[h], block.sum * take[h])};
    }
    add_values(args, head, reinterpret_cast<const T*>(args.v + offset), lo, hi, p, keep, take);
  }
  for (int h = 0; h < kHeads; ++h) {
    float* out = args.out + (head + h) * args.head_dim;
    for_each_16(args.head_dim, [&](auto in, auto to) { to(out, div(in(out), set1(running[h].sum))); });
  }
}

template <typename T>
void attend_all(const AttentionArgs& args) {
  int64_t head = 0;
  for (; head + kMaxHeads <= args.heads; head += kMaxHeads) attend<kMaxHeads, T>(args, head);
  for (; head < args.heads; ++head) attend<1, T>(args, head);
}

void attention(const AttentionArgs& args) {
  switch (args.kv_dtype) {
    case DType::kF32: return attend_all<float>(args);
    case DType::kF16: return attend_all<Half>(args);
    case DType::kBF16: return attend_all<BFloat16>(args);
    case DType::kU8:
    case DType::kI32: __builtin_trap();  // REQUIRES: a float dtype
  }
}
