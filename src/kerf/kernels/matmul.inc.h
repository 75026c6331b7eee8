// The matmul (MatmulKernel): a tile of rows times one or two panels, slice by slice. Included inside
// an instruction set's namespace.

// How a step of k is read and accumulated. Word: what x is broadcast in; Weight: what a panel holds
// kPanel of per step; Rounding: alive while sums are accumulated.
struct StepF32 {
  static constexpr int kMaxRows = kMaxRowsFloat;
  static constexpr int64_t kWeightsPerStep = kPanel;
  static constexpr int kPanelsOfOneRow = 2;  // enough independent sums to hide the latency
  using Word = float;
  using Weight = float;
  struct Rounding {
    Rounding() {}  // IEEE's
  };
  static constexpr WeightFormat kFormat = WeightFormat::kF32;
  static constexpr int64_t kK = 1;
  static Vec broadcast(float x) { return set1(x); }
  static Vec weight(const float* w) { return load(w); }
  static Vec accumulate(Vec acc, Vec x, Vec w) { return fma(x, w, acc); }
};
struct StepF16 : StepF32 {
  using Weight = Half;
  static constexpr WeightFormat kFormat = WeightFormat::kF16;
  static Vec weight(const Half* w) { return load(w); }
};
struct StepBF16 {
  static constexpr int kMaxRows = kMaxRowsFloat;
  static constexpr int64_t kWeightsPerStep = kPanel;
  static constexpr int kPanelsOfOneRow = 2;  // enough independent sums to hide the latency
  using Word = uint32_t;
  using Rounding = FlushSubnormals;
  using Weight = uint32_t;
  static constexpr WeightFormat kFormat = WeightFormat::kBF16;
  static constexpr int64_t kK = 2;
  static Pairs broadcast(uint32_t x) { return set1_pairs(x); }
  static Pairs weight(const uint32_t* w) { return load_pairs(w); }
  static Vec accumulate(Vec acc, Pairs x, Pairs w) { return dot(acc, x, w); }
};

// One slice, over `steps` of k.
//   x     // kRows rows, x_stride words apart
//   w     // kWide panels, w_stride weights apart
template <typename Step, int kRows, int kWide>
requires(Step::kWeightsPerStep == kPanel)
    [[gnu::always_inline]] inline Sums<kRows, kWide> accumulate(const typename Step::Word* x, int64_t x_stride,
                                                                const typename Step::Weight* w, int64_t w_stride,
                                                                int64_t steps) {
  Sums<kRows, kWide> acc;
  acc.clear();
  for (int64_t k = 0; k < steps; ++k, w += kPanel) {
    // Every weight before any x: otherwise GCC holds all rows' x at once, and spills sums.
    decltype(Step::weight(w)) weights[acc.kVecsWide];
    for (int v = 0; v < acc.kVecsWide; ++v) weights[v] = Step::weight(w + v / 2 * w_stride + v % 2 * 16);
    for (int row = 0; row < kRows; ++row) {
      const auto word = Step::broadcast(x[row * x_stride + k]);
      for (int v = 0; v < acc.kVecsWide; ++v) acc.v[row][v] = Step::accumulate(acc.v[row][v], word, weights[v]);
    }
  }
  return acc;
}

// The same under Step's own rounding, which the compiler does not see: a call keeps it from moving sums out of it.
template <typename Step, int kRows, int kWide, typename... Args>
[[gnu::noinline]] Sums<kRows, kWide> accumulate_apart(Args... args) {
  return accumulate<Step, kRows, kWide>(args...);
}
template <typename Step, int kRows, int kWide, typename... Args>
[[gnu::always_inline]] inline Sums<kRows, kWide> accumulate_rounded(Args... args) {
  if constexpr (__is_empty(typename Step::Rounding)) {
    return accumulate<Step, kRows, kWide>(args...);
  } else {
    const typename Step::Rounding rounding;
    return accumulate_apart<Step, kRows, kWide>(args...);
  }
}

// One tile: all slices, merged as the program says, to every node of out. A slice's sums are merged while they are in
// registers; what has to wait for a later slice goes to a stack.
//   out   // row 0, output 0 of the first panel; `outputs` of the tile's kWide * kPanel exist
template <typename Step, int kRows, int kWide>
[[gnu::noinline]] void tile(const typename Step::Word* x, int64_t x_stride, const typename Step::Weight* w,
                            int64_t w_stride, const MatmulArgs& args, float* out, int64_t outputs) {
  alignas(64) float stack[kMaxSlices][Sums<kRows, kWide>::kFloats];
  int top = 0;
  const int64_t* bounds = args.slices.bounds.data();
  const uint8_t* merges = args.slices.merges.data();
  for (int s = 0, count = args.slices.count(); s < count; ++s) {
    const int64_t steps = (bounds[s + 1] - bounds[s] + Step::kK - 1) / Step::kK;
    Sums<kRows, kWide> sums = accumulate_rounded<Step, kRows, kWide>(x, x_stride, w, w_stride, steps);
    for (int merge = merges[s]; merge > 0; --merge) sums.add_to(stack[--top]);
    sums.store_to(stack[top++]);
    x += steps;
    w += steps * Step::kWeightsPerStep;
  }
  for (int node = 0; node < top; ++node) {
    for (int row = 0; row < kRows; ++row) {
      const float* sums = stack[node] + row * kWide * kPanel;
      float* to = out + node * args.node_stride + row * args.row_stride;
      for_each_16(outputs, [&](auto in, auto store_to) { store_to(to, in(sums)); });
    }
  }
}

// Calls tile with a run-time number of rows <= kRows.
template <typename Step, int kRows, typename... Args>
void tile_of(int64_t rows, Args... args) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return tile_of<Step, kRows - 1>(rows, args...);
  }
  tile<Step, kRows, 1>(args...);
}

template <typename Step>
void matmul(const MatmulArgs& args) {
  using Word = typename Step::Word;
  using Weight = typename Step::Weight;
  const auto x_stride = static_cast<int64_t>(prepared_row_bytes(Step::kFormat, args.slices) / sizeof(Word));
  const auto w_stride = static_cast<int64_t>(panel_bytes(Step::kFormat, args.slices) / sizeof(Weight));
  const auto* x = reinterpret_cast<const Word*>(args.x);
  const auto* packed = reinterpret_cast<const Weight*>(args.packed);
  const int64_t tiles = (args.m + Step::kMaxRows - 1) / Step::kMaxRows;
  const auto outputs = [&](int64_t panel) {
    const int64_t left = args.n - panel * kPanel;
    return left;
  };
  for (int64_t panel = args.first_panel; panel < args.last_panel; ++panel) {
    const Weight* w = packed + panel * w_stride;
    float* out = args.out + panel * kPanel;
    if (Step::kPanelsOfOneRow == 2 && args.m == 1 && panel + 1 < args.last_panel) {
      const int64_t left = outputs(panel);
      tile<Step, 1, 2>(x, x_stride, w, w_stride, args, out, left < 2 * kPanel ? left : 2 * kPanel);
      ++panel;
      continue;
    }
    for (int64_t t = 0; t < tiles; ++t) {  // tiles of almost equal height
      const int64_t row = t * args.m / tiles;
      const int64_t rows = (t + 1) * args.m / tiles - row;
      const int64_t left = outputs(panel);
      tile_of<Step, Step::kMaxRows>(rows, x + row * x_stride, x_stride, w, w_stride, args, out + row * args.row_stride,
                                    left < kPanel ? left : kPanel);
    }
  }
}

// f32 rows as they are.
template <WeightFormat kFormat>
void prepare_f32(const float* x, int64_t row_stride, int64_t m, const KSlices& slices, std::byte* prepared) {
  const size_t row_bytes = prepared_row_bytes(kFormat, slices);
  for (int64_t row = 0; row < m; ++row) {
    __builtin_memcpy(prepared + static_cast<size_t>(row) * row_bytes, x + row * row_stride,
                     static_cast<size_t>(slices.k()) * sizeof(float));
  }
}

// Rounded to bf16, subnormals first made zeros, slices padded to even lengths.
void prepare_bf16(const float* x, int64_t row_stride, int64_t m, const KSlices& slices, std::byte* prepared) {
  const size_t row_bytes = prepared_row_bytes(WeightFormat::kBF16, slices);
  const int64_t* bounds = slices.bounds.data();
  const Vec zero = set1(0.0F);
  const Vec normal = set1(0x1p-126F);
  for (int64_t row = 0; row < m; ++row) {
    auto* to = reinterpret_cast<BFloat16*>(prepared + static_cast<size_t>(row) * row_bytes);
    for (int s = 0, count = slices.count(); s < count; ++s) {
      const float* from = x + row * row_stride + bounds[s];
      const int64_t length = bounds[s + 1] - bounds[s];
      for_each_16(length, [&](auto in, auto store_to) {
        const Vec a = in(from);
        store_to(to, select_less(abs(a), normal, copysign(zero, a), a));
      });
      to += length;
      if (length % 2 != 0) *to++ = {0};
    }
  }
}
