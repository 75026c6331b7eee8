#include "kerf/kernels/packing.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kerf/base/check.h"
#include "kerf/kernels/element.h"

namespace kerf {
namespace {

constexpr size_t kCacheLine = 64;

bool quantised(WeightFormat format) { return format == WeightFormat::kInt8 || format == WeightFormat::kInt4; }

// Units that a panel interleaves: one element, or for kBF16 two, which are one operand of the dot.
template <WeightFormat>
struct UnitOf;
template <>
struct UnitOf<WeightFormat::kF32> {
  using Element = float;
  static constexpr int64_t kElements = 1;
};
template <>
struct UnitOf<WeightFormat::kF16> {
  using Element = Half;
  static constexpr int64_t kElements = 1;
};
template <>
struct UnitOf<WeightFormat::kBF16> {
  using Element = BFloat16;
  static constexpr int64_t kElements = 2;
};

BFloat16 flush(BFloat16 x) { return {static_cast<uint16_t>((x.bits & 0x7f80) == 0 ? x.bits & 0x8000 : x.bits)}; }

float as_f32(float x) { return x; }
float as_f32(Half x) { return widen(x); }
float as_f32(BFloat16 x) { return widen(x); }

template <typename From>
void convert(const From& from, float& to) {
  to = as_f32(from);
}
template <typename From>
void convert(const From& from, Half& to) {
  to = to_half(as_f32(from));
}
void convert(const Half& from, Half& to) { to = from; }
template <typename From>
void convert(const From& from, BFloat16& to) {
  to = flush(to_bf16(as_f32(from)));
}
void convert(const BFloat16& from, BFloat16& to) { to = flush(from); }

// Units transposed at a time: with kPanel outputs, 4 KiB of the panel, which stays in the L1 cache.
constexpr int64_t kStrip = 32;

// Writes `elements` of one output into every kPanel-th unit from `to`.
template <WeightFormat kFormat, typename From>
inline void pack_strip(const std::byte* from, int64_t elements, std::byte* to) {
  using To = typename UnitOf<kFormat>::Element;
  constexpr int64_t kPerUnit = UnitOf<kFormat>::kElements;
  constexpr size_t kUnitBytes = sizeof(To) * kPerUnit;
  std::array<From, kStrip * kPerUnit> source;  // copied: a checkpoint's tensors may be unaligned
  std::memcpy(source.data(), from, static_cast<size_t>(elements) * sizeof(From));
  std::array<To, kStrip * kPerUnit> strip;
  for (size_t e = 0; e < static_cast<size_t>(elements); ++e) convert(source[e], strip[e]);
  if (elements % kPerUnit != 0) strip[static_cast<size_t>(elements)] = {};
  for (int64_t unit = 0; unit * kPerUnit < elements; ++unit) {
    std::memcpy(to + static_cast<size_t>(unit * kPanel) * kUnitBytes, &strip[static_cast<size_t>(unit * kPerUnit)],
                kUnitBytes);
  }
}

template <WeightFormat kFormat, typename From>
void pack_from(const PackArgs& args) {
  constexpr int64_t kElements = kStrip * UnitOf<kFormat>::kElements;
  constexpr size_t kUnitBytes = sizeof(typename UnitOf<kFormat>::Element) * UnitOf<kFormat>::kElements;
  const auto* rows = static_cast<const std::byte*>(args.rows);
  const int64_t row_bytes = args.row_stride * static_cast<int64_t>(sizeof(From));
  const size_t bytes_per_panel = panel_bytes(kFormat, args.slices);

  for (int64_t row = 0; row < args.n;) {
    const int64_t lane = (args.first_row + row) % kPanel;
    const int64_t count = std::min(kPanel - lane, args.n - row);
    std::byte* to = args.packed + static_cast<size_t>((args.first_row + row) / kPanel) * bytes_per_panel +
                    static_cast<size_t>(lane) * kUnitBytes;
    for (size_t s = 0; s < args.slices.merges.size(); ++s) {
      const int64_t end = args.slices.bounds[s + 1];
      for (int64_t k = args.slices.bounds[s]; k < end; k += kElements) {
        const std::byte* from = rows + row * row_bytes + k * static_cast<int64_t>(sizeof(From));
        const int64_t elements = std::min(kElements, end - k);
        for (int64_t i = 0; i < count; ++i, from += row_bytes) {
          std::byte* at = to + static_cast<size_t>(i) * kUnitBytes;
          if (elements == kElements) {  // a constant that the compiler vectorises and unrolls for
            pack_strip<kFormat, From>(from, kElements, at);
          } else {
            pack_strip<kFormat, From>(from, elements, at);
          }
        }
        const int64_t units = (elements + UnitOf<kFormat>::kElements - 1) / UnitOf<kFormat>::kElements;
        to += static_cast<size_t>(units * kPanel) * kUnitBytes;
      }
    }
    row += count;
  }
}

}  // namespace

int64_t stored_k(WeightFormat format, const KSlices& slices) {
  const int64_t unit = format == WeightFormat::kBF16 ? 2 : quantised(format) ? kGroup : 1;
  int64_t k = 0;
  for (size_t s = 0; s < slices.merges.size(); ++s) {
    k += (slices.bounds[s + 1] - slices.bounds[s] + unit - 1) / unit * unit;
  }
  return k;
}

size_t panel_bytes(WeightFormat format, const KSlices& slices) {
  const auto k = static_cast<size_t>(stored_k(format, slices));
  switch (format) {
    case WeightFormat::kF32: return k * kPanel * sizeof(float);
    case WeightFormat::kF16:
    case WeightFormat::kBF16: return k * kPanel * sizeof(uint16_t);
    case WeightFormat::kInt8: return k / kGroup * sizeof(PackedInt8);
    case WeightFormat::kInt4: return k / kGroup * sizeof(PackedInt4);
  }
  KERF_CHECK(false, "no such weight format");
}

size_t prepared_row_bytes(WeightFormat format, const KSlices& slices) {
  const auto k = static_cast<size_t>(stored_k(format, slices));
  const size_t element = format == WeightFormat::kBF16 ? sizeof(BFloat16) : sizeof(float);
  // Whole cache lines, and whole groups: 8 groups are 5 lines.
  const size_t unit = quantised(format) ? 5 * kCacheLine : kCacheLine;
  static_assert(8 * sizeof(PreparedGroup) == 5 * kCacheLine);
  const size_t bytes = quantised(format) ? k / kGroup * sizeof(PreparedGroup) : k * element;
  return ((bytes + unit - 1) / unit | 1) * unit;
}

template <WeightFormat kFormat>
size_t packed_bytes(int64_t n, const KSlices& slices) {
  return static_cast<size_t>(panels(n)) * panel_bytes(kFormat, slices);
}

template <WeightFormat kFormat>
size_t prepared_bytes(int64_t m, const KSlices& slices) {
  return static_cast<size_t>(m) * prepared_row_bytes(kFormat, slices);
}

template <WeightFormat kFormat>
void pack(const PackArgs& args) {
  switch (args.dtype) {
    case DType::kF32: return pack_from<kFormat, float>(args);
    case DType::kF16: return pack_from<kFormat, Half>(args);
    case DType::kBF16: return pack_from<kFormat, BFloat16>(args);
    case DType::kU8:
    case DType::kI8:
    case DType::kI32: break;
  }
  KERF_CHECK(false, "weights must be float");
}

template size_t packed_bytes<WeightFormat::kF32>(int64_t, const KSlices&);
template size_t packed_bytes<WeightFormat::kF16>(int64_t, const KSlices&);
template size_t packed_bytes<WeightFormat::kBF16>(int64_t, const KSlices&);
template size_t packed_bytes<WeightFormat::kInt8>(int64_t, const KSlices&);
template size_t packed_bytes<WeightFormat::kInt4>(int64_t, const KSlices&);
template size_t prepared_bytes<WeightFormat::kF32>(int64_t, const KSlices&);
template size_t prepared_bytes<WeightFormat::kF16>(int64_t, const KSlices&);
template size_t prepared_bytes<WeightFormat::kBF16>(int64_t, const KSlices&);
template size_t prepared_bytes<WeightFormat::kInt8>(int64_t, const KSlices&);
template size_t prepared_bytes<WeightFormat::kInt4>(int64_t, const KSlices&);
template void pack<WeightFormat::kF32>(const PackArgs&);
template void pack<WeightFormat::kF16>(const PackArgs&);
template void pack<WeightFormat::kBF16>(const PackArgs&);

}  // namespace kerf
