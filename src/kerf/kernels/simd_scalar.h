// Sixteen floats at a time in plain C++: the twin that every other instruction set must equal in
// bits. Included inside namespace kerf::scalar's anonymous namespace; simd_avx2.h and simd_avx512.h
// define the same names. min, max and select follow x86: a comparison with a NaN is false.

inline constexpr int kMaxRowsFloat = 2;      // rows of a tile of a float matmul
inline constexpr int kMaxRowsInt = 2;        // of an integer one
inline constexpr int kMaxRowsAttention = 2;  // query heads that attention takes together
inline constexpr int kMaxSumsAttention = 4;  // vectors of their sums

struct Vec {
  float v[16];
};

template <typename Op>
Vec map(Op op) {
  Vec r;
  for (int i = 0; i < 16; ++i) r.v[i] = op(i);
  return r;
}

Vec set1(float x) {
  return map([&](int) { return x; });
}
Vec load(const float* p) {
  return map([&](int i) { return p[i]; });
}
Vec load(const Half* p) {
  return map([&](int i) { return widen(p[i]); });
}
Vec load(const BFloat16* p) {
  return map([&](int i) { return widen(p[i]); });
}
Vec load(const int8_t* p) {
  return map([&](int i) { return static_cast<float>(p[i]); });
}
void store(float* p, Vec a) {
  for (int i = 0; i < 16; ++i) p[i] = a.v[i];
}
void store(Half* p, Vec a) {
  for (int i = 0; i < 16; ++i) p[i] = to_half(a.v[i]);
}
void store(BFloat16* p, Vec a) {
  for (int i = 0; i < 16; ++i) p[i] = to_bf16(a.v[i]);
}

// REQUIRES: integers in [-127, 127]
void store(int8_t* p, Vec a) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(a.v[i]);
}

Vec add(Vec a, Vec b) {
  return map([&](int i) { return a.v[i] + b.v[i]; });
}
Vec sub(Vec a, Vec b) {
  return map([&](int i) { return a.v[i] - b.v[i]; });
}
Vec mul(Vec a, Vec b) {
  return map([&](int i) { return a.v[i] * b.v[i]; });
}
Vec div(Vec a, Vec b) {
  return map([&](int i) { return a.v[i] / b.v[i]; });
}
Vec fma(Vec a, Vec b, Vec c) {
  return map([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
}
Vec min(Vec a, Vec b) {
  return map([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
Vec max(Vec a, Vec b) {
  return map([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
Vec abs(Vec a) {
  return map([&](int i) { return __builtin_fabsf(a.v[i]); });
}
Vec copysign(Vec magnitude, Vec sign) {
  return map([&](int i) { return __builtin_copysignf(magnitude.v[i], sign.v[i]); });
}
// a < b ? yes : no
Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return map([&](int i) { return a.v[i] < b.v[i] ? yes.v[i] : no.v[i]; });
}
// Lanes [lo, hi) of a, the rest of other. lo and hi may lie outside [0, 16].
Vec select_lanes(int64_t lo, int64_t hi, Vec a, Vec other) {
  return map([&](int i) { return lo <= i && i < hi ? a.v[i] : other.v[i]; });
}
// rows[i] lane j becomes rows[j] lane i.
void transpose(Vec (&rows)[16]) {
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < i; ++j) {
      const float kept = rows[i].v[j];
      rows[i].v[j] = rows[j].v[i];
      rows[j].v[i] = kept;
    }
  }
}
// 2^n for integers n in [-126, 127]: the low bits of n + 127 + 1.5 * 2^23 are the exponent.
Vec pow2(Vec n) {
  return map([&](int i) { return std::bit_cast<float>(std::bit_cast<uint32_t>(n.v[i] + (0x1.8p23F + 127)) << 23); });
}
// p * 2^n, rounded once. Two factors reach both ends of the range; the first product is exact.
// REQUIRES: n is an integer, |n| <= 160; 0.5 <= p <= 2
Vec times_pow2(Vec p, Vec n) {
  const Vec magic = set1(0x1.8p23F);
  const Vec half = sub(fma(n, set1(0.5F), magic), magic);
  return mul(mul(p, pow2(half)), pow2(sub(n, half)));
}

// Sums and maxima over the lanes by halves: (l, l + 8), (l, l + 4), (l, l + 2), (l, l + 1).
float sum(Vec a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] += a.v[i + half];
  }
  return a.v[0];
}
float max(Vec a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
  }
  return a.v[0];
}

// Sixteen pairs of bf16, the even element in the low half.
struct Pairs {
  uint32_t v[16];
};
Pairs load_pairs(const uint32_t* p) {
  Pairs r;
  for (int i = 0; i < 16; ++i) r.v[i] = p[i];
  return r;
}
Pairs set1_pairs(uint32_t x) {
  Pairs r;
  for (uint32_t& v : r.v) v = x;
  return r;
}

// fma(x, w, acc) whose subnormal result becomes zero, as if under MXCSR's FTZ: the processor decides
// on the result rounded to 24 bits with an unbounded exponent, which the scaled fma reproduces.
// REQUIRES: no operand is subnormal.
float flushed_fma(float x, float w, float acc) {
  const float r = __builtin_fmaf(x, w, acc);
  if (!(__builtin_fabsf(r) <= 0x1p-126F)) return r;
  const float scaled = __builtin_fmaf(x * 0x1p24F, w, acc * 0x1p24F);
  return __builtin_fabsf(scaled) < 0x1p-102F ? __builtin_copysignf(0.0F, r) : r;
}

// acc = fma(odd, odd, acc), then the even ones; subnormals are zeros going in and coming out. This is what
// vdpbf16ps does. REQUIRES: inside a FlushSubnormals, no subnormal bf16.
Vec dot(Vec acc, Pairs x, Pairs w) {
  return map([&](int i) {
    const float odd =
        flushed_fma(std::bit_cast<float>(x.v[i] & 0xffff0000), std::bit_cast<float>(w.v[i] & 0xffff0000), acc.v[i]);
    return flushed_fma(std::bit_cast<float>(x.v[i] << 16), std::bit_cast<float>(w.v[i] << 16), odd);
  });
}

// Sixteen lanes of four bytes: k to k + 3 of sixteen outputs, or of one row of x in every lane.
struct Quads {
  uint8_t v[16][4];
};
struct Ints {
  int32_t v[16];
};
Quads load_quads(const void* p) {
  Quads r;
  __builtin_memcpy(&r, p, sizeof(r));
  return r;
}
Quads set1_quads(const int8_t* p) {
  Quads r;
  for (auto& v : r.v) __builtin_memcpy(v, p, sizeof(v));
  return r;
}
template <typename Op>
Quads map_bytes(Quads a, Op op) {
  for (auto& lane : a.v) {
    for (uint8_t& byte : lane) byte = static_cast<uint8_t>(op(byte));
  }
  return a;
}
Quads low_nibbles(Quads a) {
  return map_bytes(a, [](int byte) { return byte & 0x0f; });
}
Quads high_nibbles(Quads a) {
  return map_bytes(a, [](int byte) { return byte >> 4; });
}
Ints set1_ints(int32_t x) {
  Ints r;
  for (int32_t& v : r.v) v = x;
  return r;
}
// acc + the dot of four unsigned bytes of w with four signed ones of x, exactly.
Ints dot_quads(Ints acc, Quads w, Quads x) {
  for (int i = 0; i < 16; ++i) {
    for (int b = 0; b < 4; ++b) acc.v[i] += w.v[i][b] * static_cast<int8_t>(x.v[i][b]);
  }
  return acc;
}
// The same where no byte of w is above 15.
Ints dot_nibbles(Ints acc, Quads w, Quads x) { return dot_quads(acc, w, x); }
Vec to_floats(Ints a) {
  return map([&](int i) { return static_cast<float>(a.v[i]); });
}

struct FlushSubnormals {
  FlushSubnormals() {}  // dot does it by itself
};

void prefetch(const void* /*p*/) {}
