// Included inside an instruction set's namespace.

// Sums of a tile, [row][panel][output] as vectors.
template <int kRows, int kWide>
struct Sums {
  static constexpr int kVecsWide = kWide * 2;
  static constexpr int kFloats = kRows * kVecsWide * 16;
  Vec v[kRows][kVecsWide];

  void clear() {
    for (auto& row : v) {
      for (Vec& one : row) one = set1(0.0F);
    }
  }
  void store_to(float* to) const {
    for (int row = 0; row < kRows; ++row) {
      for (int i = 0; i < kVecsWide; ++i) store(to + (row * kVecsWide + i) * 16, v[row][i]);
    }
  }
  void add_to(const float* left) {  // this = left + this
    for (int row = 0; row < kRows; ++row) {
      for (int i = 0; i < kVecsWide; ++i) v[row][i] = add(load(left + (row * kVecsWide + i) * 16), v[row][i]);
    }
  }
};
