// simd_scalar.h's names on one AVX-512 register (with BF16).

inline constexpr int kMaxRowsFloat = 12;     // 24 sums, 2 weights and a broadcast of the 32 registers
inline constexpr int kMaxRowsInt = 6;        // 12 sums, 12 dots, 4 weights and a broadcast
inline constexpr int kMaxRowsAttention = 8;  // 16 sums, 2 keys; what is broadcast comes from memory
inline constexpr int kMaxSumsAttention = 16;

using Vec = __m512;

Vec set1(float x) { return _mm512_set1_ps(x); }
Vec load(const float* p) { return _mm512_loadu_ps(p); }
Vec load(const Half* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
Vec load(const BFloat16* p) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
Vec load(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
void store(float* p, Vec a) { _mm512_storeu_ps(p, a); }
void store(Half* p, Vec a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
// Not vcvtneps2bf16: it makes subnormals zero.
void store(BFloat16* p, Vec a) {
  const __m512i bits = _mm512_castps_si512(a);
  const __m512i high = _mm512_srli_epi32(bits, 16);
  const __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
  const __m512i rounded =
      _mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
  const __m512i quiet = _mm512_or_si512(high, _mm512_set1_epi32(kQuietBF16));
  const __m512i result = _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), quiet);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(result));
}
// REQUIRES: integers in [-127, 127]
void store(int8_t* p, Vec a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a)));
}

Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
Vec abs(Vec a) { return _mm512_abs_ps(a); }
Vec copysign(Vec magnitude, Vec sign) {
  const __m512i sign_bit = _mm512_set1_epi32(static_cast<int>(0x80000000));
  // Bit by bit: the mask's bit ? sign : magnitude
  return _mm512_castsi512_ps(
      _mm512_ternarylogic_epi32(sign_bit, _mm512_castps_si512(sign), _mm512_castps_si512(magnitude), 0xca));
}
Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), yes);
}
Vec select_lanes(int64_t lo, int64_t hi, Vec a, Vec other) {
  const auto below = [](int64_t lane) { return lane <= 0 ? 0U : lane >= 16 ? 0xffffU : (1U << lane) - 1; };
  return _mm512_mask_mov_ps(other, static_cast<__mmask16>(below(hi) & ~below(lo)), a);
}
Vec times_pow2(Vec p, Vec n) { return _mm512_scalef_ps(p, n); }
// Pairs of rows, then of pairs, within 128-bit quarters; then the quarters change places.
[[gnu::always_inline]] inline void transpose(Vec (&rows)[16]) {
  Vec pairs[16];
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
  const auto join = [](Vec a, Vec b, bool high) {
    const __m512d c = _mm512_castps_pd(a);
    const __m512d d = _mm512_castps_pd(b);
    return _mm512_castpd_ps(high ? _mm512_unpackhi_pd(c, d) : _mm512_unpacklo_pd(c, d));
  };
  Vec fours[16];  // of rows i to i + 3: columns 0, 4, 8, 12 in i, then those after them
  for (int i = 0; i < 16; i += 4) {
    fours[i] = join(pairs[i], pairs[i + 2], false);
    fours[i + 1] = join(pairs[i], pairs[i + 2], true);
    fours[i + 2] = join(pairs[i + 1], pairs[i + 3], false);
    fours[i + 3] = join(pairs[i + 1], pairs[i + 3], true);
  }
  for (int column = 0; column < 4; ++column) {
    const Vec a = _mm512_shuffle_f32x4(fours[column], fours[column + 4], 0b10'00'10'00);
    const Vec b = _mm512_shuffle_f32x4(fours[column], fours[column + 4], 0b11'01'11'01);
    const Vec c = _mm512_shuffle_f32x4(fours[column + 8], fours[column + 12], 0b10'00'10'00);
    const Vec d = _mm512_shuffle_f32x4(fours[column + 8], fours[column + 12], 0b11'01'11'01);
    rows[column] = _mm512_shuffle_f32x4(a, c, 0b10'00'10'00);
    rows[column + 4] = _mm512_shuffle_f32x4(b, d, 0b10'00'10'00);
    rows[column + 8] = _mm512_shuffle_f32x4(a, c, 0b11'01'11'01);
    rows[column + 12] = _mm512_shuffle_f32x4(b, d, 0b11'01'11'01);
  }
}

float sum(Vec a) {
  a = add(a, _mm512_shuffle_f32x4(a, a, 0b01'00'11'10));
  a = add(a, _mm512_shuffle_f32x4(a, a, 0b10'11'00'01));
  a = add(a, _mm512_permute_ps(a, 0b01'00'11'10));
  a = add(a, _mm512_permute_ps(a, 0b10'11'00'01));
  return _mm512_cvtss_f32(a);
}
float max(Vec a) {
  a = max(a, _mm512_shuffle_f32x4(a, a, 0b01'00'11'10));
  a = max(a, _mm512_shuffle_f32x4(a, a, 0b10'11'00'01));
  a = max(a, _mm512_permute_ps(a, 0b01'00'11'10));
  a = max(a, _mm512_permute_ps(a, 0b10'11'00'01));
  return _mm512_cvtss_f32(a);
}

using Pairs = __m512bh;
Pairs load_pairs(const uint32_t* p) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p)); }
Pairs set1_pairs(uint32_t x) { return reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(x))); }
Vec dot(Vec acc, Pairs x, Pairs w) { return _mm512_dpbf16_ps(acc, x, w); }

using Quads = __m512i;
using Ints = __m512i;
Quads load_quads(const void* p) { return _mm512_loadu_si512(p); }
Quads set1_quads(const int8_t* p) {
  int32_t quad = 0;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return _mm512_set1_epi32(quad);
}
Quads low_nibbles(Quads a) { return _mm512_and_si512(a, _mm512_set1_epi8(0x0f)); }
Quads high_nibbles(Quads a) { return low_nibbles(_mm512_srli_epi16(a, 4)); }
Ints set1_ints(int32_t x) { return _mm512_set1_epi32(x); }
Ints dot_quads(Ints acc, Quads w, Quads x) { return _mm512_dpbusd_epi32(acc, w, x); }
Ints dot_nibbles(Ints acc, Quads w, Quads x) { return dot_quads(acc, w, x); }
Vec to_floats(Ints a) { return _mm512_cvtepi32_ps(a); }

struct FlushSubnormals {
  FlushSubnormals() {}  // vdpbf16ps does it by itself
};

void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }
