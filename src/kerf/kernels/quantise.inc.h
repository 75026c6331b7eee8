// Quantising by group: weights while packing, activations before a matmul. Included inside an
// instruction set's namespace.

// To nearest even. REQUIRES: |x| < 2^22, or the result is not meant.
Vec round_to_int(Vec x) {
  const Vec magic = set1(0x1.8p23F);
  return sub(add(x, magic), magic);
}
// A NaN becomes hi.
Vec clamp(Vec x, float lo, float hi) { return max(set1(lo), min(x, set1(hi))); }

// k of a group for sixteen outputs side by side.
using GroupWeights = float[kGroup][16];

// 1 / scale; 0 where the scale is 0.
Vec inverse_of(Vec scale) { return select_less(set1(0.0F), abs(scale), div(set1(1.0F), scale), set1(0.0F)); }

// NaN where a weight is not finite, else 0.
Vec poison_of(const GroupWeights& w) {
  Vec poison = set1(0.0F);
  for (const auto& k : w) poison = add(poison, mul(load(k), set1(0.0F)));
  return poison;
}

// The integers nearest to w / scale, in [lo, hi], stored as q - lo + low.
void round_weights(const GroupWeights& w, Vec scale, float lo, float hi, float zero, uint32_t (*q)[16]) {
  const Vec inverse = inverse_of(scale);
  for (int64_t k = 0; k < kGroup; ++k) {
    float values[16];
    store(values, add(round_to_int(clamp(mul(load(w[k]), inverse), lo, hi)), set1(zero)));
    for (int i = 0; i < 16; ++i) q[k][i] = static_cast<uint32_t>(static_cast<int32_t>(values[i]));
  }
}

// Scales are rounded to bf16 before the integers are chosen, so its 8 bits cost next to nothing, and its range is
// f32's. Here they are made larger by as much as rounding may take away: no integer is beyond 127.
//   scales  // [16] of the outputs;   q  // [kGroup][16], offset by kZero
void quantise_int8(const GroupWeights& w, BFloat16* scales, uint32_t (*q)[16]) {
  Vec most = set1(0.0F);
  for (const auto& k : w) most = max(most, abs(load(k)));
  store(scales, mul(most, set1((1 + 0x1p-8F) / 127.0F)));
  round_weights(w, load(scales), -127, 127, PackedInt8::kZero, q);
  store(scales, add(load(scales), poison_of(w)));
}

// Where the weight of largest magnitude may fall, in steps. Q4_0 knows -8 alone; clipping it, or not using the range
// up, often lowers the squared error of the group. On normally distributed weights these five leave 0.890 of Q4_0's
// squared error, a hundred candidates 0.885, and -8 with its scale fitted 0.956.
constexpr float kInt4Extremes[] = {-8.25F, -7.75F, -8.75F, -7.25F, -8.0F};

// For each candidate the integers are chosen, and the scale that fits them best by least squares: error =
// sum w² - (sum w q)² / sum q². The best candidate's scale wins.
void quantise_int4(const GroupWeights& w, BFloat16* scales, uint32_t (*q)[16]) {
  Vec highest = set1(0.0F);
  Vec lowest = set1(0.0F);
  for (const auto& k : w) {
    highest = max(highest, load(k));
    lowest = min(lowest, load(k));
  }
  const Vec extreme = select_less(highest, sub(set1(0.0F), lowest), lowest, highest);
  const Vec one_over_extreme = inverse_of(extreme);
  Vec best = set1(0.0F);
  Vec scale = set1(0.0F);
  for (const float target : kInt4Extremes) {
    const Vec inverse = mul(set1(target), one_over_extreme);
    Vec wq = set1(0.0F);
    Vec qq = set1(0.0F);
    for (const auto& k : w) {
      const Vec weight = load(k);
      const Vec integer = round_to_int(clamp(mul(weight, inverse), -8, 7));
      wq = add(wq, mul(weight, integer));
      qq = add(qq, mul(integer, integer));
    }
    const Vec fitted = div(wq, qq);
    const Vec gain = mul(wq, fitted);
    scale = select_less(best, gain, fitted, scale);
    best = max(gain, best);  // a NaN is not kept
  }
  store(scales, scale);
  round_weights(w, load(scales), -8, 7, PackedInt4::kZero, q);
  store(scales, add(load(scales), poison_of(w)));
}

// Up to 16 elements of a row, which may be unaligned; what is missing is 0.
template <typename From>
Vec load_row(const std::byte* row, int64_t elements) {
  From source[16];
  if (elements >= 16) {
    __builtin_memcpy(source, row, sizeof(source));  // of a constant size: no call
  } else {
    __builtin_memset(source, 0, sizeof(source));
    if (elements > 0) __builtin_memcpy(source, row, static_cast<size_t>(elements) * sizeof(From));
  }
  return load(source);
}

// A group of the outputs [first, last) of sixteen, `elements` long, from rows row_bytes apart; what is missing is 0.
//   rows  // of output `first`
template <typename From>
void load_group(const std::byte* rows, int64_t row_bytes, int64_t first, int64_t last, int64_t elements,
                GroupWeights& w) {
  for (int64_t k = 0; k < kGroup; k += 16) {
    Vec lanes[16];
    for (int64_t lane = 0; lane < 16; ++lane) {
      const std::byte* from = rows + (lane - first) * row_bytes + k * static_cast<int64_t>(sizeof(From));
      lanes[lane] = first <= lane && lane < last ? load_row<From>(from, elements - k) : set1(0.0F);
    }
    transpose(lanes);
    for (int64_t i = 0; i < 16; ++i) store(w[k + i], lanes[i]);
  }
}

// Elements [first, last) of sixteen.
template <typename T>
void copy_lanes(void* to, const T* from, int64_t first, int64_t last) {
  if (last - first == 16) {
    __builtin_memcpy(to, from, 16 * sizeof(T));
  } else {
    __builtin_memcpy(static_cast<T*>(to) + first, from + first, static_cast<size_t>(last - first) * sizeof(T));
  }
}

// Lanes [first, last) of sixteen outputs from `output` on into a group of a panel.
void put(PackedInt8& group, int64_t output, int64_t first, int64_t last, const uint32_t (*q)[16]) {
  for (int64_t quad = 0; quad < kQuadsPerGroup; ++quad) {
    const uint32_t(*four)[16] = q + quad * kQuad;
    uint32_t words[16];
    for (int i = 0; i < 16; ++i) words[i] = four[0][i] | four[1][i] << 8 | four[2][i] << 16 | four[3][i] << 24;
    copy_lanes(group.quads[quad][output], words, first, last);
  }
}
void put(PackedInt4& group, int64_t output, int64_t first, int64_t last, const uint32_t (*q)[16]) {
  uint32_t both[kGroup / 2][16];
  for (int64_t k = 0; k < kGroup / 2; ++k) {
    for (int i = 0; i < 16; ++i) both[k][i] = q[k][i] | q[k + kGroup / 2][i] << 4;
  }
  for (int64_t quad = 0; quad < kQuadsPerGroup / 2; ++quad) {
    const uint32_t(*four)[16] = both + quad * kQuad;
    uint32_t words[16];
    for (int i = 0; i < 16; ++i) words[i] = four[0][i] | four[1][i] << 8 | four[2][i] << 16 | four[3][i] << 24;
    copy_lanes(group.quads[quad][output], words, first, last);
  }
}

// A panel's rows are as many streams, too many for the processor's own prefetching.
constexpr int64_t kPackPrefetchBytes = 512;

template <typename Step, typename From>
void pack_groups_from(const PackArgs& args) {
  using Packed = typename Step::Weight;
  const auto* rows = static_cast<const std::byte*>(args.rows);
  const int64_t row_bytes = args.row_stride * static_cast<int64_t>(sizeof(From));
  const size_t bytes_per_panel = panel_bytes(Step::kFormat, args.slices);
  const int64_t* bounds = args.slices.bounds.data();
  const int slices = args.slices.count();

  for (int64_t row = 0; row < args.n;) {
    const int64_t begin = (args.first_row + row) % kPanel;  // the outputs [begin, end) of the panel are written
    const int64_t left = args.n - row;
    const int64_t end = left < kPanel - begin ? begin + left : kPanel;
    auto* group =
        reinterpret_cast<Packed*>(args.packed + static_cast<size_t>((args.first_row + row) / kPanel) * bytes_per_panel);
    for (int s = 0; s < slices; ++s) {
      for (int64_t k = bounds[s]; k < bounds[s + 1]; k += kGroup, ++group) {
        const int64_t elements = bounds[s + 1] - k < kGroup ? bounds[s + 1] - k : kGroup;
        for (int64_t output = 0; output < kPanel; output += 16) {
          const int64_t first = begin < output ? 0 : begin - output;
          const int64_t last = end - output < 16 ? end - output : 16;
          if (first >= last) continue;
          const std::byte* from = rows + (row + output + first - begin) * row_bytes;
          from += k * static_cast<int64_t>(sizeof(From));
          for (int64_t lane = first; lane < last; ++lane)
            prefetch(from + (lane - first) * row_bytes + kPackPrefetchBytes);
          alignas(64) GroupWeights weights;
          if (last - first == 16 && elements == kGroup) {  // constants that the compiler unrolls for
            load_group<From>(from, row_bytes, 0, 16, kGroup, weights);
          } else {
            load_group<From>(from, row_bytes, first, last, elements, weights);
          }
          alignas(64) uint32_t q[kGroup][16];
          BFloat16 scales[16];
          Step::quantise(weights, scales, q);
          put(*group, output, first, last, q);
          copy_lanes(group->scales + output, scales, first, last);
        }
      }
    }
    row += end - begin;
  }
}

template <typename Step>
void pack_groups(const PackArgs& args) {
  switch (args.dtype) {
    case DType::kF32: return pack_groups_from<Step, float>(args);
    case DType::kF16: return pack_groups_from<Step, Half>(args);
    case DType::kBF16: return pack_groups_from<Step, BFloat16>(args);
    case DType::kU8:
    case DType::kI8:
    case DType::kI32: __builtin_trap();  // REQUIRES: a float dtype
  }
}

// One group of x; see MatmulKernel.
//   x  // kGroup elements, the last ones 0 where a slice ends inside the group
PreparedGroup quantise_group(const float* x, int32_t zero) {
  const Vec a = load(x);
  const Vec b = load(x + 16);
  const float most = max(max(abs(a), abs(b)));
  const bool counts = most >= 0x1p-100F;
  const Vec inverse = set1(counts ? 127.0F / most : 0.0F);
  const Vec qa = round_to_int(mul(a, inverse));
  const Vec qb = round_to_int(mul(b, inverse));
  const float total = sum(add(qa, qb));  // integers: exact in any order
  PreparedGroup group{};
  if (total != total) {  // something in the group is not finite
    group.scale = __builtin_nanf("");
    return group;
  }
  alignas(64) float q[kGroup];
  store(q, qa);
  store(q + 16, qb);
  auto* to = &group.quads[0][0];
  for (int64_t i = 0; i < kGroup; ++i) to[i] = static_cast<int8_t>(static_cast<int32_t>(q[i]));
  group.scale = counts ? most / 127.0F : 0.0F;
  group.bias = -zero * static_cast<int32_t>(total);
  return group;
}

// Sixteen groups side by side: their maxima and sums are found lane by lane.
//   x  // [16 * kGroup]
void quantise_16_groups(const float* x, int32_t zero, PreparedGroup* groups) {
  Vec lanes[16];
  for (int64_t g = 0; g < 16; ++g) lanes[g] = max(abs(load(x + g * kGroup)), abs(load(x + g * kGroup + 16)));
  transpose(lanes);
  Vec most = lanes[0];
  for (const Vec& lane : lanes) most = max(most, lane);
  const Vec least = set1(0x1p-100F);
  alignas(64) float inverses[16];
  alignas(64) float scales[16];
  alignas(64) float totals[16];
  store(inverses, select_less(most, least, set1(0.0F), div(set1(127.0F), most)));
  store(scales, select_less(most, least, set1(0.0F), div(most, set1(127.0F))));
  alignas(64) float q[16][kGroup];
  for (int64_t g = 0; g < 16; ++g) {
    const Vec inverse = set1(inverses[g]);
    const Vec a = round_to_int(mul(load(x + g * kGroup), inverse));
    const Vec b = round_to_int(mul(load(x + g * kGroup + 16), inverse));
    store(q[g], a);
    store(q[g] + 16, b);
    lanes[g] = add(a, b);
  }
  transpose(lanes);
  Vec total = lanes[0];
  for (int g = 1; g < 16; ++g) total = add(total, lanes[g]);
  store(totals, total);
  for (int64_t g = 0; g < 16; ++g) {
    PreparedGroup& group = groups[g];
    if (totals[g] != totals[g]) {  // something in the group is not finite
      group = {};
      group.scale = __builtin_nanf("");
      continue;
    }
    auto* to = &group.quads[0][0];
    for (int64_t i = 0; i < kGroup; ++i) to[i] = static_cast<int8_t>(static_cast<int32_t>(q[g][i]));
    group.scale = scales[g];
    group.bias = -zero * static_cast<int32_t>(totals[g]);
  }
}

// Whole groups; slices that end with a whole one go on in the next.
PreparedGroup* quantise_groups(const float* x, int64_t elements, int32_t zero, PreparedGroup* to) {
  for (; elements >= 16 * kGroup; elements -= 16 * kGroup, x += 16 * kGroup, to += 16) quantise_16_groups(x, zero, to);
  for (; elements > 0; elements -= kGroup, x += kGroup) *to++ = quantise_group(x, zero);
  return to;
}

template <typename Step>
void prepare_groups(const float* x, int64_t row_stride, int64_t m, const KSlices& slices, std::byte* prepared) {
  constexpr int32_t kZero = Step::Weight::kZero;
  const size_t row_bytes = prepared_row_bytes(Step::kFormat, slices);
  const int64_t* bounds = slices.bounds.data();
  for (int64_t row = 0; row < m; ++row) {
    auto* to = reinterpret_cast<PreparedGroup*>(prepared + static_cast<size_t>(row) * row_bytes);
    const float* from = x + row * row_stride;
    int64_t begin = 0;
    for (int s = 0, count = slices.count(); s < count; ++s) {
      const int64_t part = (bounds[s + 1] - bounds[s]) % kGroup;
      if (part == 0 && s + 1 < count) continue;
      const int64_t end = bounds[s + 1] - part;
      to = quantise_groups(from + begin, end - begin, kZero, to);
      begin = bounds[s + 1];
      if (part == 0) continue;
      float last[kGroup] = {};
      __builtin_memcpy(last, from + end, static_cast<size_t>(part) * sizeof(float));
      *to++ = quantise_group(last, kZero);
    }
  }
}
