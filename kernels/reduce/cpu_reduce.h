// The loops of the CPU's reductions, over blocks of float, double or integers. A functor says what
// one step is; results of blocks are joined in Total (double for floats), so that the rounding
// error of a sum does not grow with its length.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/reduce/reduce.h"

namespace iolaus::cpu {

// What is combined: acc = step(acc, x) within a block, total = join(total, acc) between blocks.
struct SumStep {
  template <class T> static T identity() { return T(0); }
  template <class T> static T step(T acc, T x) { return acc + x; }
  template <class T> static T join(T a, T b) { return a + b; }
};
struct SquareStep : SumStep {
  template <class T> static T step(T acc, T x) { return acc + x * x; }
};
struct ProdStep {
  template <class T> static T identity() { return T(1); }
  template <class T> static T step(T acc, T x) { return acc * x; }
  template <class T> static T join(T a, T b) { return a * b; }
};
// NaN wins: once in acc it stays, as every comparison with it is false. (| and not ||: a branch
// would keep the loops from being vectorised.)
struct MaxStep {
  template <class T> static T identity() {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::lowest();
  }
  template <class T> static T step(T acc, T x) { return (x > acc) | (x != x) ? x : acc; }
  template <class T> static T join(T a, T b) { return step(a, b); }
};
struct AnyStep : MaxStep {
  template <class T> static T identity() { return T(0); }
};
struct MinStep {
  template <class T> static T identity() {
    if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::max();
  }
  template <class T> static T step(T acc, T x) { return (x < acc) | (x != x) ? x : acc; }
  template <class T> static T join(T a, T b) { return step(a, b); }
};

/// Whether memory of T serves as Acc as it is: integers may differ in sign, and bool is 0 or 1.
template <class Acc, class T>
inline constexpr bool kSameBits = std::is_same_v<Acc, T> ||
                                  (std::is_integral_v<Acc> && std::is_integral_v<T> &&
                                   sizeof(Acc) == sizeof(T));

/// What blocks of Acc are joined in.
template <class Acc>
using Total = std::conditional_t<std::is_same_v<Acc, float>, double,
                                 std::conditional_t<std::is_same_v<Acc, int32_t>, int64_t, Acc>>;

/// Elements of any type as a block of Acc: the memory itself where it is that already, else
/// converted (or asked for != 0) into buffer.
template <class Acc, bool truth, class T>
const Acc* load_block(const T* x, int64_t n, int64_t stride, Acc* buffer) {
  if constexpr (kSameBits<Acc, T> && (!truth || std::is_same_v<T, bool>)) {
    if (stride == 1) return reinterpret_cast<const Acc*>(x);
  }
  simd::run([&] {
    if (stride == 1) {
      for (int64_t i = 0; i < n; ++i) {
        const auto value = static_cast<MathType<T>>(x[i]);
        buffer[i] = static_cast<Acc>(truth ? static_cast<Acc>(value != MathType<T>(0))
                                           : static_cast<Acc>(value));
      }
    } else {
      for (int64_t i = 0; i < n; ++i) {
        const auto value = static_cast<MathType<T>>(x[i * stride]);
        buffer[i] = static_cast<Acc>(truth ? static_cast<Acc>(value != MathType<T>(0))
                                           : static_cast<Acc>(value));
      }
    }
  });
  return buffer;
}

/// One number from dense memory: 64 lanes advance side by side; after each block they are joined in
/// Total. (What changes in the loops lives inside of the callable: an array that it only refers to
/// would be written to memory at each step.)
template <class Step, class Acc> Total<Acc> reduce_dense(const Acc* x, int64_t n) {
  constexpr int64_t kLanes = 64, kVector = 16, kBlock = 32 * kLanes;
  if (n < kVector) {
    Acc acc = Step::template identity<Acc>();
    for (int64_t i = 0; i < n; ++i) acc = Step::step(acc, x[i]);
    return static_cast<Total<Acc>>(acc);
  }
  Total<Acc> result;
  simd::run([&] {
    const Acc* from = x;
    const int64_t count = n;
    Total<Acc> total[kVector];
    for (int64_t j = 0; j < kVector; ++j) total[j] = Step::template identity<Total<Acc>>();
    for (int64_t i = 0; i < count;) {
      const int64_t end = std::min(count, i + kBlock);
      Acc lane[kLanes];
      for (int64_t j = 0; j < kLanes; ++j) lane[j] = Step::template identity<Acc>();
      for (; i + kLanes <= end; i += kLanes) {
        for (int64_t j = 0; j < kLanes; ++j) lane[j] = Step::step(lane[j], from[i + j]);
      }
      for (; i + kVector <= end; i += kVector) {
        for (int64_t j = 0; j < kVector; ++j) lane[j] = Step::step(lane[j], from[i + j]);
      }
      Acc rest = Step::template identity<Acc>();
      for (; i < end; ++i) rest = Step::step(rest, from[i]);
      total[0] = Step::join(total[0], static_cast<Total<Acc>>(rest));
      for (int64_t half = kLanes / 2; half >= kVector; half /= 2) {
        for (int64_t j = 0; j < half; ++j) lane[j] = Step::join(lane[j], lane[j + half]);
      }
      for (int64_t j = 0; j < kVector; ++j) {
        total[j] = Step::join(total[j], static_cast<Total<Acc>>(lane[j]));
      }
    }
    for (int64_t half = kVector / 2; half > 0; half /= 2) {
      for (int64_t j = 0; j < half; ++j) total[j] = Step::join(total[j], total[j + half]);
    }
    result = total[0];
  });
  return result;
}

/// The same, rounded to Acc.
template <class Step, class Acc> Acc reduce_row(const Acc* x, int64_t n) {
  return static_cast<Acc>(reduce_dense<Step>(x, n));
}

}  // namespace iolaus::cpu
