// What the normalisations share on the CPU: the dtype of statistics, sums over long rows in a fixed
// order that vectorises, and parameters as an array of the type that is computed in.
#pragma once

#include "core/tensor.h"
#include "kernels/scratch.h"

namespace iolaus {

/// The dtype that statistics of x are kept in: float64 for float64, else float32.
inline DType statistics_dtype(DType dtype) { return dtype == kFloat64 ? kFloat64 : kFloat32; }

/// Sum of term(i) for i < count, in kLanes interleaved partial sums that are added pairwise.
template <class M, class Fn> inline M sum_terms(int64_t count, Fn&& term) {
  constexpr int64_t kLanes = 64;
  M lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += term(i + j);
  }
  for (int64_t j = 0; i + j < count; ++j) lanes[j] += term(i + j);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

/// A copy of a tensor's elements as M, or count times `otherwise` where it is undefined.
template <class M> class Parameters {
 public:
  Parameters(const Tensor& t, int64_t count, M otherwise) : values_(count) {
    if (!t.defined()) {
      std::fill_n(values_.data(), count, otherwise);
      return;
    }
    visit_dtype(FloatTypes{}, "parameter", t.dtype(), [&]<class T>() {
      const T* from = static_cast<const T*>(t.raw_data());
      for (int64_t i = 0; i < count; ++i) values_[i] = static_cast<M>(MathType<T>(from[i]));
    });
  }
  const M* data() const { return values_.data(); }
  M operator[](int64_t i) const { return values_[i]; }

 private:
  Scratch<M> values_;
};

/// Writes count values into t, converted; nothing where it is undefined.
template <class M> void store_values(const M* values, int64_t count, const Tensor& t) {
  if (!t.defined()) return;
  visit_dtype(FloatTypes{}, "parameter", t.dtype(), [&]<class T>() {
    T* to = static_cast<T*>(t.raw_data());
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<T>(static_cast<MathType<T>>(values[i]));
  });
}

}  // namespace iolaus
