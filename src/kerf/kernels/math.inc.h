// exp and tanh on sixteen lanes, and parts of vectors. Included inside an instruction set's
// namespace after its simd header: the same operations in the same order, so the same bits everywhere.

// A number that is known to the compiler, to be passed as an argument.
template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};
using False = Constant<0>;
using True = Constant<1>;

// The first n < 16 elements; the other lanes are zero.
template <typename T>
Vec load_first(const T* p, int64_t n) {
  T buffer[16] = {};
  __builtin_memcpy(buffer, p, static_cast<size_t>(n) * sizeof(T));
  return load(buffer);
}
template <typename T>
void store_first(T* p, Vec a, int64_t n) {
  T buffer[16];
  store(buffer, a);
  __builtin_memcpy(p, buffer, static_cast<size_t>(n) * sizeof(T));
}

// Calls body(load, store, i) for every 16 elements of [0, n), the last part with partial access.
template <typename Body>
void for_each_16(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    body([i](const auto* p) { return load(p + i); }, [i](auto* p, Vec a) { store(p + i, a); });
  }
  if (i < n) {
    body([i, n](const auto* p) { return load_first(p + i, n - i); },
         [i, n](auto* p, Vec a) { store_first(p + i, a, n - i); });
  }
}

// e^x within 1 ulp; infinity from 88.73 on, subnormal results included, 0 below -104; NaN stays NaN.
//
// x = n ln 2 + r with integer n and |r| <= ln 2 / 2; e^r = 1 + r + r² P(r). P interpolates
// (e^r - 1 - r) / r² in the Chebyshev nodes of that interval; with its coefficients rounded to f32 the relative error
// is 2^-30. ln 2 is split so that n times its first 15 bits is exact.
Vec exp(Vec x) {
  x = max(set1(-105.0F), min(set1(89.0F), x));
  const Vec magic = set1(0x1.8p23F);  // adding it rounds to an integer
  const Vec n = sub(fma(x, set1(0x1.715476p+0F), magic), magic);
  Vec r = fma(n, set1(-0x1.62e8p-1F), x);
  r = fma(n, set1(0x1.e8082ep-16F), r);
  Vec p = set1(0x1.a12a42p-13F);
  p = fma(p, r, set1(0x1.6d4920p-10F));
  p = fma(p, r, set1(0x1.1110e0p-7F));
  p = fma(p, r, set1(0x1.5554e4p-5F));
  p = fma(p, r, set1(0x1.555556p-3F));
  p = fma(p, r, set1(0.5F));
  p = fma(mul(r, r), p, r);
  return times_pow2(add(p, set1(1.0F)), n);
}

// tanh x within 2 ulp: below 0.625 x + x z Q(z), z = x², Q interpolating (tanh(x) / x - 1) / z in Chebyshev
// nodes (relative error 2^-27); above, 1 - 2 / (e^2x + 1).
Vec tanh(Vec x) {
  const Vec a = abs(x);
  const Vec z = mul(x, x);
  Vec q = set1(0x1.2c83c0p-9F);
  q = fma(q, z, set1(-0x1.116a16p-7F));
  q = fma(q, z, set1(0x1.64a976p-6F));
  q = fma(q, z, set1(-0x1.ba08c4p-5F));
  q = fma(q, z, set1(0x1.1110eap-3F));
  q = fma(q, z, set1(-0x1.555556p-2F));
  const Vec small = fma(mul(a, z), q, a);
  const Vec large = sub(set1(1.0F), div(set1(2.0F), add(exp(add(a, a)), set1(1.0F))));
  return copysign(select_less(a, set1(0.625F), small, large), x);
}
