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
// NaN wins: once in acc it stays, as every comparison with it is false.
struct MaxStep {
  template <class T> static T identity() {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::lowest();
  }
  template <class T> static T step(T acc, T x) { return x > acc || x != x ? x : acc; }
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
  template <class T> static T step(T acc, T x) { return x < acc || x != x ? x : acc; }
  template <class T> static T join(T a, T b) { return step(a, b); }
};

/// Elements of any type as a block of Acc: the memory itself where it is that already, else
/// converted (or asked for != 0) into buffer.
template <class Acc, bool truth, class T>
const Acc* load_block(const T* x, int64_t n, int64_t stride, Acc* buffer) {
  if constexpr (std::is_same_v<T, Acc> && !truth) {
    if (stride == 1) return x;
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

/// One number from a dense block: 64 lanes, then a tree. Short blocks go one by one.
template <class Step, class Acc> Acc reduce_row(const Acc* x, int64_t n) {
  constexpr int64_t kLanes = 64;
  if (n < kLanes) {
    Acc acc = Step::template identity<Acc>();
    for (int64_t i = 0; i < n; ++i) acc = Step::step(acc, x[i]);
    return acc;
  }
  Acc lane[kLanes];
  simd::run([&] {
    for (int64_t j = 0; j < kLanes; ++j) lane[j] = Step::template identity<Acc>();
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
      for (int64_t j = 0; j < kLanes; ++j) lane[j] = Step::step(lane[j], x[i + j]);
    }
    for (int64_t j = 0; i + j < n; ++j) lane[j] = Step::step(lane[j], x[i + j]);
    for (int64_t half = kLanes / 2; half > 0; half /= 2) {
      for (int64_t j = 0; j < half; ++j) lane[j] = Step::join(lane[j], lane[j + half]);
    }
  });
  return lane[0];
}

}  // namespace iolaus::cpu
