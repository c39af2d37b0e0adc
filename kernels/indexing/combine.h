// combine: what scatter does with an element of its output and one that arrives, for CPU and CUDA.
#pragma once

#include "kernels/indexing/indexing.h"

namespace iolaus {

/// a is in the output, b arrives. bool: sum and amax are or, prod and amin are and.
template <class A> IOLAUS_HD inline A combine(ScatterReduce reduce, A a, A b) {
  switch (reduce) {
    case ScatterReduce::kAssign:
      return b;
    case ScatterReduce::kProd:
      return static_cast<A>(a * b);
    case ScatterReduce::kAmax:
      return (a > b) | (a != a) ? a : b;  // one condition: a branch would be mispredicted
    case ScatterReduce::kAmin:
      return (a < b) | (a != a) ? a : b;
    default:
      return static_cast<A>(a + b);
  }
}

/// sum / count; integers round down, bool stays.
template <class A> IOLAUS_HD inline A mean_of(A sum, int64_t count) {
  if constexpr (std::is_same_v<A, bool>) {
    return sum && count == 1;  // the or of several, divided by their number, is below 1
  } else if constexpr (std::is_floating_point_v<A>) {
    return sum / static_cast<A>(count);
  } else {
    const int64_t wide = static_cast<int64_t>(sum), quotient = wide / count;
    return static_cast<A>(quotient - (wide % count < 0 ? 1 : 0));
  }
}

/// Whether the sums are kept in another type than the output's.
template <class T> inline bool sums_wide(ScatterReduce reduce) {
  using enum ScatterReduce;
  return !std::is_same_v<T, MathType<T>> && (reduce == kSum || reduce == kProd || reduce == kMean);
}

}  // namespace iolaus
