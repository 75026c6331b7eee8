// simd_scalar.h's names on two AVX2 registers (with FMA and F16C).

inline constexpr int kMaxRowsFloat = 2;      // 8 sums, 4 weights and 2 broadcasts of the 16 registers
inline constexpr int kMaxRowsInt = 1;        // 4 sums, 4 dots and what the widened bytes need
inline constexpr int kMaxRowsAttention = 2;  // with 2 vectors for each: 8 sums, 4 keys and a broadcast
inline constexpr int kMaxSumsAttention = 4;

struct Vec {
  __m256 lo, hi;
};

Vec set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
Vec load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
__m128i load8(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
Vec load(const Half* p) { return {_mm256_cvtph_ps(load8(p)), _mm256_cvtph_ps(load8(p + 8))}; }
__m256 widen8(const BFloat16* p) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load8(p)), 16)); }
Vec load(const BFloat16* p) { return {widen8(p), widen8(p + 8)}; }
Vec load(const int8_t* p) {
  const __m128i bytes = load8(p);
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes)))};
}
void store(float* p, Vec a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
void store(Half* p, Vec a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.lo, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(a.hi, _MM_FROUND_TO_NEAREST_INT));
}
// Eight bf16, each in the low half of 32 bits.
__m256i round_bf16(__m256 a) {
  const __m256i bits = _mm256_castps_si256(a);
  const __m256i high = _mm256_srli_epi32(bits, 16);
  const __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
  const __m256i rounded =
      _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  const __m256i quiet = _mm256_or_si256(high, _mm256_set1_epi32(kQuietBF16));
  return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q)));
}
void store(BFloat16* p, Vec a) {
  const __m256i packed = _mm256_packus_epi32(round_bf16(a.lo), round_bf16(a.hi));  // within 128-bit halves
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0b11'01'10'00));
}
// REQUIRES: integers in [-127, 127]
void store(int8_t* p, Vec a) {
  const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi));  // within halves
  const __m256i sorted = _mm256_permute4x64_epi64(words, 0b11'01'10'00);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm_packs_epi16(_mm256_castsi256_si128(sorted), _mm256_extracti128_si256(sorted, 1)));
}

Vec add(Vec a, Vec b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
Vec sub(Vec a, Vec b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
Vec mul(Vec a, Vec b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
Vec div(Vec a, Vec b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)}; }
Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
Vec abs(Vec a) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
__m256 copysign8(__m256 magnitude, __m256 sign) {
  const __m256 sign_bit = _mm256_set1_ps(-0.0F);
  return _mm256_or_ps(_mm256_and_ps(sign_bit, sign), _mm256_andnot_ps(sign_bit, magnitude));
}
Vec copysign(Vec magnitude, Vec sign) { return {copysign8(magnitude.lo, sign.lo), copysign8(magnitude.hi, sign.hi)}; }
__m256 select_less8(__m256 a, __m256 b, __m256 yes, __m256 no) {
  return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return {select_less8(a.lo, b.lo, yes.lo, no.lo), select_less8(a.hi, b.hi, yes.hi, no.hi)};
}
__m256 select_lanes8(int64_t lo, int64_t hi, __m256 a, __m256 other) {
  const auto clamp = [](int64_t lane) {
    return _mm256_set1_epi32(lane < 0 ? 0 : lane > 8 ? 8 : static_cast<int>(lane));
  };
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i inside = _mm256_andnot_si256(_mm256_cmpgt_epi32(clamp(lo), lane), _mm256_cmpgt_epi32(clamp(hi), lane));
  return _mm256_blendv_ps(other, a, _mm256_castsi256_ps(inside));
}
Vec select_lanes(int64_t lo, int64_t hi, Vec a, Vec other) {
  return {select_lanes8(lo, hi, a.lo, other.lo), select_lanes8(lo - 8, hi - 8, a.hi, other.hi)};
}
void transpose8(__m256 (&rows)[8]) {
  __m256 pairs[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
  __m256 fours[8];
  for (int i = 0; i < 8; i += 4) {
    fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0b01'00'01'00);
    fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0b11'10'11'10);
    fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0b01'00'01'00);
    fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0b11'10'11'10);
  }
  for (int column = 0; column < 4; ++column) {
    rows[column] = _mm256_permute2f128_ps(fours[column], fours[column + 4], 0x20);
    rows[column + 4] = _mm256_permute2f128_ps(fours[column], fours[column + 4], 0x31);
  }
}
// Its quarters of 8 x 8, of which two change places.
[[gnu::always_inline]] inline void transpose(Vec (&rows)[16]) {
  __m256 quarters[2][2][8];
  for (int i = 0; i < 16; ++i) {
    quarters[i / 8][0][i % 8] = rows[i].lo;
    quarters[i / 8][1][i % 8] = rows[i].hi;
  }
  for (auto& half : quarters) {
    for (auto& quarter : half) transpose8(quarter);
  }
  for (int i = 0; i < 16; ++i) rows[i] = {quarters[0][i / 8][i % 8], quarters[1][i / 8][i % 8]};
}
__m256 pow2_8(__m256 n) {
  const __m256 shifted = _mm256_add_ps(n, _mm256_set1_ps(0x1.8p23F + 127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23));
}
Vec pow2(Vec n) { return {pow2_8(n.lo), pow2_8(n.hi)}; }
Vec times_pow2(Vec p, Vec n) {
  const Vec magic = set1(0x1.8p23F);
  const Vec half = sub(fma(n, set1(0.5F), magic), magic);
  return mul(mul(p, pow2(half)), pow2(sub(n, half)));
}

float sum(Vec a) {
  const __m256 eight = _mm256_add_ps(a.lo, a.hi);
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  four = _mm_add_ps(four, _mm_permute_ps(four, 0b01'00'11'10));
  four = _mm_add_ps(four, _mm_permute_ps(four, 0b10'11'00'01));
  return _mm_cvtss_f32(four);
}
float max(Vec a) {
  const __m256 eight = _mm256_max_ps(a.lo, a.hi);
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  four = _mm_max_ps(four, _mm_permute_ps(four, 0b01'00'11'10));
  four = _mm_max_ps(four, _mm_permute_ps(four, 0b10'11'00'01));
  return _mm_cvtss_f32(four);
}

struct Pairs {
  __m256i lo, hi;
};
Pairs load_pairs(const uint32_t* p) {
  const auto* both = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(both), _mm256_loadu_si256(both + 1)};
}
Pairs set1_pairs(uint32_t x) {
  const __m256i all = _mm256_set1_epi32(static_cast<int>(x));
  return {all, all};
}
__m256 odd8(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(static_cast<int>(0xffff0000))));
}
__m256 even8(__m256i pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }
__m256 dot8(__m256 acc, __m256i x, __m256i w) {
  return _mm256_fmadd_ps(even8(x), even8(w), _mm256_fmadd_ps(odd8(x), odd8(w), acc));
}
Vec dot(Vec acc, Pairs x, Pairs w) { return {dot8(acc.lo, x.lo, w.lo), dot8(acc.hi, x.hi, w.hi)}; }

struct Quads {
  __m256i lo, hi;
};
using Ints = Quads;
Quads load_quads(const void* p) {
  const auto* both = static_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(both), _mm256_loadu_si256(both + 1)};
}
Quads set1_quads(const int8_t* p) {
  int32_t quad = 0;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return {_mm256_set1_epi32(quad), _mm256_set1_epi32(quad)};
}
Quads low_nibbles(Quads a) {
  const __m256i low = _mm256_set1_epi8(0x0f);
  return {_mm256_and_si256(a.lo, low), _mm256_and_si256(a.hi, low)};
}
Quads high_nibbles(Quads a) { return low_nibbles({_mm256_srli_epi16(a.lo, 4), _mm256_srli_epi16(a.hi, 4)}); }
Ints set1_ints(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
// Bytes are widened to 16 bits: vpmaddubsw would saturate.
__m256i dot_quads8(__m256i acc, __m256i w, __m256i x) {
  const __m256i even =
      _mm256_madd_epi16(_mm256_and_si256(w, _mm256_set1_epi16(0xff)), _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(w, 8), _mm256_srai_epi16(x, 8));
  return _mm256_add_epi32(acc, _mm256_add_epi32(even, odd));
}
Ints dot_quads(Ints acc, Quads w, Quads x) { return {dot_quads8(acc.lo, w.lo, x.lo), dot_quads8(acc.hi, w.hi, x.hi)}; }
// 2 * 15 * 127 fits 16 bits.
__m256i dot_nibbles8(__m256i acc, __m256i w, __m256i x) {
  return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1)));
}
Ints dot_nibbles(Ints acc, Quads w, Quads x) {
  return {dot_nibbles8(acc.lo, w.lo, x.lo), dot_nibbles8(acc.hi, w.hi, x.hi)};
}
Vec to_floats(Ints a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }

// While it lives, subnormals are zeros, operands and results. The compiler does not see that arithmetic depends on it:
// what is to be affected must be a call that is not inlined.
class FlushSubnormals {
 public:
  FlushSubnormals() { _mm_setcsr(saved_ | _MM_FLUSH_ZERO_ON | kDenormalsAreZero); }
  ~FlushSubnormals() { _mm_setcsr(saved_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  static constexpr unsigned kDenormalsAreZero = 0x0040;  // MXCSR bit 6
  unsigned saved_ = _mm_getcsr();
};

void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }
