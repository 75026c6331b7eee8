// Tensor: a non-owning view of contiguous elements, row-major.
//
// The pointer may belong to any memory that the backend in use can address; nothing on this floor
// dereferences it.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "kerf/base/check.h"
#include "kerf/spec/dtype.h"

namespace kerf {

template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::kF32;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::kI32;
};

template <bool kConst>
class BasicTensor {
 public:
  using Pointer = std::conditional_t<kConst, const void*, void*>;
  template <typename T>
  using Element = std::conditional_t<kConst, const T, T>;
  static constexpr int kMaxRank = 4;

  BasicTensor() = default;
  BasicTensor(Pointer data, DType dtype, std::initializer_list<int64_t> shape) : data_(data), dtype_(dtype) {
    KERF_CHECK(shape.size() <= kMaxRank);
    for (const int64_t extent : shape) shape_[static_cast<size_t>(rank_++)] = extent;
  }
  template <typename T>
  BasicTensor(T* data, std::initializer_list<int64_t> shape)
      : BasicTensor(data, DTypeOf<std::remove_const_t<T>>::value, shape) {}

  // Tensor → ConstTensor.
  template <bool kOther>
  requires(kConst && !kOther) BasicTensor(const BasicTensor<kOther>& other)  // NOLINT(google-explicit-constructor)
      : data_(other.data_), dtype_(other.dtype_), rank_(other.rank_), shape_(other.shape_) {}

  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int64_t dim(int axis) const { return shape_[static_cast<size_t>(axis)]; }
  [[nodiscard]] int64_t size() const {
    int64_t n = 1;
    for (int axis = 0; axis < rank_; ++axis) n *= dim(axis);
    return n;
  }
  [[nodiscard]] int64_t bytes() const { return size() * static_cast<int64_t>(size_of(dtype_)); }
  [[nodiscard]] Pointer raw() const { return data_; }

  // REQUIRES: the elements are T.
  template <typename T>
  [[nodiscard]] Element<T>* data() const {
    KERF_CHECK(dtype_ == DTypeOf<T>::value, "tensor read as another dtype");
    return static_cast<Element<T>*>(data_);
  }

 private:
  template <bool>
  friend class BasicTensor;
  Pointer data_ = nullptr;
  DType dtype_ = DType::kF32;
  int rank_ = 0;
  std::array<int64_t, kMaxRank> shape_{};
};

using Tensor = BasicTensor<false>;
using ConstTensor = BasicTensor<true>;

}  // namespace kerf
