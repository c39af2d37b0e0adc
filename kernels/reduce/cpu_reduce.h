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

/// An element as it is combined: as Acc, or whether it is not 0.
template <class Acc, bool truth, class T> Acc element(T x) {
  const auto value = static_cast<MathType<T>>(x);
  return truth ? static_cast<Acc>(value != MathType<T>(0)) : static_cast<Acc>(value);
}

/// Elements of any type as a block of Acc: the memory itself where it is that already, else
/// converted (or asked for != 0) into buffer.
template <class Acc, bool truth, class T>
const Acc* load_block(const T* x, int64_t n, int64_t stride, Acc* buffer) {
  if constexpr (kSameBits<Acc, T> && (!truth || std::is_same_v<T, bool>)) {
    if (stride == 1) return reinterpret_cast<const Acc*>(x);
  }
  simd::run([&] {
    if (stride == 1) {
      for (int64_t i = 0; i < n; ++i) buffer[i] = element<Acc, truth>(x[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) buffer[i] = element<Acc, truth>(x[i * stride]);
    }
  });
  return buffer;
}

inline constexpr int64_t kVector = 16;                  // numbers that a block leaves
inline constexpr int64_t kReduceBlock = 128 * kVector;  // elements that are combined in Acc

/// Up to kReduceBlock dense elements to kVector numbers and one of what is left over: four vectors
/// advance side by side. (They live in this function: an array that a simd::run callable only
/// refers to would be written to memory at each step.) long_row: memory that is two pages further
/// on is asked for, as the hardware stops at the end of a page.
template <class Step, class Acc, bool truth, bool long_row, class T>
void reduce_block(const T* x, int64_t n, Acc* out, Acc& left_over) {
  constexpr int64_t kLanes = 4 * kVector;
  Acc lane[kLanes];
  for (int64_t j = 0; j < kLanes; ++j) lane[j] = Step::template identity<Acc>();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t line = 0; long_row && line < kLanes * sizeof(T); line += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(x + i) + 8192 + line);
    }
    for (int64_t j = 0; j < kLanes; ++j) {
      lane[j] = Step::step(lane[j], element<Acc, truth>(x[i + j]));
    }
  }
  for (; i + kVector <= n; i += kVector) {
    for (int64_t j = 0; j < kVector; ++j) {
      lane[j] = Step::step(lane[j], element<Acc, truth>(x[i + j]));
    }
  }
  Acc rest = Step::template identity<Acc>();
  for (; i < n; ++i) rest = Step::step(rest, element<Acc, truth>(x[i]));
  left_over = rest;
  for (int64_t j = 0; j < kVector; ++j) {
    out[j] = Step::join(Step::join(lane[j], lane[j + 2 * kVector]),
                        Step::join(lane[j + kVector], lane[j + 3 * kVector]));
  }
}

/// One number from dense memory of any length: the blocks' numbers are joined in Total.
template <class Step, class Acc, bool truth, class T>
Total<Acc> reduce_dense(const T* x, int64_t n) {
  if (n < kVector) {
    Acc acc = Step::template identity<Acc>();
    for (int64_t i = 0; i < n; ++i) acc = Step::step(acc, element<Acc, truth>(x[i]));
    return static_cast<Total<Acc>>(acc);
  }
  Total<Acc> result;
  simd::run([&] {
    const T* from = x;
    const int64_t count = n;
    Total<Acc> total[kVector], rest = Step::template identity<Total<Acc>>();
    for (int64_t j = 0; j < kVector; ++j) total[j] = rest;
    for (int64_t i = 0; i < count; i += kReduceBlock) {
      Acc lane[kVector], left_over;
      reduce_block<Step, Acc, truth, true>(from + i, std::min(kReduceBlock, count - i), lane,
                                           left_over);
      rest = Step::join(rest, static_cast<Total<Acc>>(left_over));
      for (int64_t j = 0; j < kVector; ++j) {
        total[j] = Step::join(total[j], static_cast<Total<Acc>>(lane[j]));
      }
    }
    for (int64_t half = kVector / 2; half > 0; half /= 2) {
      for (int64_t j = 0; j < half; ++j) total[j] = Step::join(total[j], total[j + half]);
    }
    result = Step::join(total[0], rest);
  });
  return result;
}

inline constexpr int64_t kReduceRows = 8;  // rows whose numbers are joined side by side

/// total[i] = the n elements from rows[i] on, for up to kReduceRows rows of up to kReduceBlock.
template <class Step, class Acc, bool truth, class T>
void reduce_rows(const T* const* rows, int64_t count, int64_t n, Total<Acc>* total) {
  simd::run([&] {
    const int64_t m = count;
    alignas(64) Acc lane[kReduceRows * kVector], left_over[kReduceRows];
    alignas(64) Total<Acc> joined[kReduceRows * kVector];
    for (int64_t i = 0; i < m; ++i) {
      reduce_block<Step, Acc, truth, false>(rows[i], n, lane + i * kVector, left_over[i]);
    }
    for (int64_t j = 0; j < m * kVector; ++j) joined[j] = static_cast<Total<Acc>>(lane[j]);
    const auto halve = [&]<int64_t half>(std::integral_constant<int64_t, half>) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < half; ++j) {
          const Total<Acc>* pair = joined + (2 * i) * half + j;
          joined[i * half + j] = Step::join(pair[0], pair[half]);
        }
      }
    };
    halve(std::integral_constant<int64_t, 8>{});
    halve(std::integral_constant<int64_t, 4>{});
    halve(std::integral_constant<int64_t, 2>{});
    halve(std::integral_constant<int64_t, 1>{});
    for (int64_t i = 0; i < m; ++i) {
      total[i] = Step::join(joined[i], static_cast<Total<Acc>>(left_over[i]));
    }
  });
}

/// One number from dense memory, rounded to Acc.
template <class Step, class Acc> Acc reduce_row(const Acc* x, int64_t n) {
  return static_cast<Acc>(reduce_dense<Step, Acc, false>(x, n));
}

}  // namespace iolaus::cpu
