// The steps of the integer matmuls: a group of k at a time, exact integer dots inside it. Included
// inside an instruction set's namespace.

// Weight: a group of a panel.
struct StepInt8 {
  static constexpr int kMaxRows = kMaxRowsInt;
  static constexpr int64_t kWeightsPerStep = 1;
  static constexpr int kPanelsOfOneRow = 1;  // groups are independent, and one stream of weights never breaks off
  using Word = PreparedGroup;
  using Weight = PackedInt8;
  struct Rounding {
    Rounding() {}  // IEEE's
  };
  static constexpr WeightFormat kFormat = WeightFormat::kInt8;
  static constexpr int64_t kK = kGroup;
  static constexpr int kLoads = kQuadsPerGroup;
  static constexpr int kQuadsPerLoad = 1;
  static void unpack(Quads stored, Quads* quads) { quads[0] = stored; }
  static Ints dot(Ints acc, Quads w, Quads x) { return dot_quads(acc, w, x); }
  static void quantise(const GroupWeights& w, BFloat16* scales, uint32_t (*q)[16]) { quantise_int8(w, scales, q); }
};
struct StepInt4 : StepInt8 {
  using Weight = PackedInt4;
  static constexpr WeightFormat kFormat = WeightFormat::kInt4;
  static constexpr int kLoads = kQuadsPerGroup / 2;
  static constexpr int kQuadsPerLoad = 2;
  static void unpack(Quads stored, Quads* quads) {
    quads[0] = low_nibbles(stored);
    quads[1] = high_nibbles(stored);
  }
  static Ints dot(Ints acc, Quads w, Quads x) { return dot_nibbles(acc, w, x); }
  static void quantise(const GroupWeights& w, BFloat16* scales, uint32_t (*q)[16]) { quantise_int4(w, scales, q); }
};

// One slice, as accumulate() of matmul.inc.h; a step is a group.
template <typename Step, int kRows, int kWide>
requires(Step::kWeightsPerStep == 1)
    [[gnu::always_inline]] inline Sums<kRows, kWide> accumulate(const PreparedGroup* x, int64_t x_stride,
                                                                const typename Step::Weight* w, int64_t w_stride,
                                                                int64_t groups) {
  constexpr int kVecsWide = kWide * 2;
  Sums<kRows, kWide> acc;
  acc.clear();
  for (int64_t g = 0; g < groups; ++g, ++w, ++x) {
    Ints dots[kRows][kVecsWide];
    for (int row = 0; row < kRows; ++row) {
      for (Ints& dot : dots[row]) dot = set1_ints(x[row * x_stride].bias);
    }
    for (int load = 0; load < Step::kLoads; ++load) {
      Quads weights[kVecsWide][Step::kQuadsPerLoad];
      for (int v = 0; v < kVecsWide; ++v) {
        Step::unpack(load_quads(w[v / 2 * w_stride].quads[load][v % 2 * 16]), weights[v]);
      }
      for (int row = 0; row < kRows; ++row) {
        for (int i = 0; i < Step::kQuadsPerLoad; ++i) {
          const Quads quad = set1_quads(x[row * x_stride].quads[load + i * Step::kLoads]);
          for (int v = 0; v < kVecsWide; ++v) dots[row][v] = Step::dot(dots[row][v], weights[v][i], quad);
        }
      }
    }
    for (int v = 0; v < kVecsWide; ++v) {
      const Vec scale = load(w[v / 2 * w_stride].scales + v % 2 * 16);
      for (int row = 0; row < kRows; ++row) {
        acc.v[row][v] = fma(mul(to_floats(dots[row][v]), scale), set1(x[row * x_stride].scale), acc.v[row][v]);
      }
    }
  }
  return acc;
}
