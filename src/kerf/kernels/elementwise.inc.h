// Norm, rotation, activations and conversions. Included inside an instruction set's namespace.

void rms_norm(const float* x, const float* weight, float eps, int64_t n, float* out) {
  Vec squares = set1(0.0F);
  for_each_16(n, [&](auto in, auto /*to*/) {
    const Vec a = in(x);
    squares = fma(a, a, squares);
  });
  const Vec inverse = set1(1.0F / __builtin_sqrtf(sum(squares) / static_cast<float>(n) + eps));
  for_each_16(n, [&](auto in, auto to) { to(out, mul(mul(in(x), inverse), in(weight))); });
}

void rope(float* head, const float* cos, const float* sin, int64_t head_dim) {
  float* first = head;
  float* second = head + head_dim / 2;
  for_each_16(head_dim / 2, [&](auto in, auto to) {
    const Vec a = in(first);
    const Vec b = in(second);
    const Vec c = in(cos);
    const Vec s = in(sin);
    to(first, sub(mul(a, c), mul(b, s)));
    to(second, add(mul(b, c), mul(a, s)));
  });
}

void add_to(float* x, const float* y, int64_t n) {
  for_each_16(n, [&](auto in, auto to) { to(x, add(in(x), in(y))); });
}

void scale(float* x, float factor, int64_t n) {
  for_each_16(n, [&](auto in, auto to) { to(x, mul(in(x), set1(factor))); });
}

Vec softcap(Vec x, Vec cap) { return mul(cap, tanh(div(x, cap))); }

void softcap(float* x, float cap, int64_t n) {
  for_each_16(n, [&](auto in, auto to) { to(x, softcap(in(x), set1(cap))); });
}

// x / (1 + e^-s): x times the logistic function of s.
Vec gated(Vec x, Vec s) { return div(x, add(set1(1.0F), exp(sub(set1(0.0F), s)))); }

void silu_mul(const float* gate, const float* up, float* out, int64_t n) {
  for_each_16(n, [&](auto in, auto to) {
    const Vec g = in(gate);
    to(out, mul(gated(g, g), in(up)));
  });
}

void gelu_tanh_mul(const float* gate, const float* up, float* out, int64_t n) {
  const Vec twice_sqrt_2_over_pi = set1(0x1.988454p+0F);
  for_each_16(n, [&](auto in, auto to) {
    const Vec g = in(gate);
    const Vec cubic = fma(mul(mul(g, g), g), set1(0.044715F), g);
    to(out, mul(gated(g, mul(twice_sqrt_2_over_pi, cubic)), in(up)));
  });
}

template <typename T>
void widen_from(const T* x, int64_t n, float* out) {
  for_each_16(n, [&](auto in, auto to) { to(out, in(x)); });
}

void widen_any(const void* x, DType dtype, int64_t n, float* out) {
  switch (dtype) {
    case DType::kF32: return widen_from(static_cast<const float*>(x), n, out);
    case DType::kF16: return widen_from(static_cast<const Half*>(x), n, out);
    case DType::kBF16: return widen_from(static_cast<const BFloat16*>(x), n, out);
    case DType::kI8:
    case DType::kU8:
    case DType::kI32: __builtin_trap();  // REQUIRES: a float dtype
  }
}

// How a head's numbers become integers: x * inverse to nearest even, and back by * scale.
struct HeadScale {
  float scale, inverse;
};
HeadScale head_scale(const float* x, int64_t n) {
  Vec most = set1(0.0F);
  Vec poison = set1(0.0F);  // NaN where something is not finite
  for_each_16(n, [&](auto in, auto /*to*/) {
    most = max(most, abs(in(x)));
    poison = fma(in(x), set1(0.0F), poison);
  });
  const float largest = max(most);
  const bool counts = largest >= 0x1p-100F;
  return {(counts ? largest / 127.0F : 0.0F) + sum(poison), counts ? 127.0F / largest : 0.0F};
}
Vec as_integers(Vec x, HeadScale scale) { return clamp(round_to_int(mul(x, set1(scale.inverse))), -127, 127); }

// Of int8, behind the integers of a block: one scale for each of its positions.
float* scales_of(std::byte* block, int64_t head_dim) { return reinterpret_cast<float*>(block + head_dim * kBlock); }

// The key of one position goes to column `slot` of [head_dim, kBlock], changed on the way.
template <typename T, typename Change>
void store_column(const float* x, int64_t n, T* column, Change change) {
  int64_t i = 0;
  for_each_16(n, [&](auto in, auto /*to*/) {
    T values[16];
    store(values, change(in(x)));
    for (int lane = 0; lane < 16 && i < n; ++lane, ++i) column[i * kBlock] = values[lane];
  });
}

template <typename T, typename Change>
void store_row(const float* x, int64_t n, T* row, Change change) {
  for_each_16(n, [&](auto in, auto to) { to(row, change(in(x))); });
}

Vec unchanged(Vec x) { return x; }

void store_key(const float* key, int64_t head_dim, DType dtype, std::byte* block, int64_t slot) {
  switch (dtype) {
    case DType::kF32: return store_column(key, head_dim, reinterpret_cast<float*>(block) + slot, unchanged);
    case DType::kF16: return store_column(key, head_dim, reinterpret_cast<Half*>(block) + slot, unchanged);
    case DType::kBF16: return store_column(key, head_dim, reinterpret_cast<BFloat16*>(block) + slot, unchanged);
    case DType::kI8: {
      const HeadScale scale = head_scale(key, head_dim);
      scales_of(block, head_dim)[slot] = scale.scale;
      return store_column(key, head_dim, reinterpret_cast<int8_t*>(block) + slot,
                          [scale](Vec x) { return as_integers(x, scale); });
    }
    case DType::kU8:
    case DType::kI32: __builtin_trap();
  }
}

void store_value(const float* value, int64_t head_dim, DType dtype, std::byte* block, int64_t slot) {
  const int64_t at = slot * head_dim;
  switch (dtype) {
    case DType::kF32: return store_row(value, head_dim, reinterpret_cast<float*>(block) + at, unchanged);
    case DType::kF16: return store_row(value, head_dim, reinterpret_cast<Half*>(block) + at, unchanged);
    case DType::kBF16: return store_row(value, head_dim, reinterpret_cast<BFloat16*>(block) + at, unchanged);
    case DType::kI8: {
      const HeadScale scale = head_scale(value, head_dim);
      scales_of(block, head_dim)[slot] = scale.scale;
      return store_row(value, head_dim, reinterpret_cast<int8_t*>(block) + at,
                       [scale](Vec x) { return as_integers(x, scale); });
    }
    case DType::kU8:
    case DType::kI32: __builtin_trap();
  }
}
