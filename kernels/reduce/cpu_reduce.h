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
// would keep the loops from being vectorised.) quick is step for numbers alone: one instruction.
struct MaxStep {
  template <class T> static T identity() {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::lowest();
  }
  template <class T> static T step(T acc, T x) { return (x > acc) | (x != x) ? x : acc; }
  template <class T> static T quick(T acc, T x) { return acc < x ? x : acc; }
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
  template <class T> static T quick(T acc, T x) { return x < acc ? x : acc; }
  template <class T> static T join(T a, T b) { return step(a, b); }
};

/// Whether memory of T serves as Acc as it is: integers may differ in sign, and bool is 0 or 1.
template <class Acc, class T>
inline constexpr bool kSameBits = std::is_same_v<Acc, T> ||
                                  (std::is_integral_v<Acc> && std::is_integral_v<T> &&
                                   sizeof(Acc) == sizeof(T));

/// Whether a step chooses one of two elements, so that nothing is rounded and nothing overflows.
template <class Step> inline constexpr bool kChooses = requires {
  Step::template quick<float>(0, 0);
};

/// What blocks of Acc are joined in.
template <class Step, class Acc>
using Total = std::conditional_t<
    kChooses<Step>, Acc,
    std::conditional_t<std::is_same_v<Acc, float>, double,
                       std::conditional_t<std::is_same_v<Acc, int32_t>, int64_t, Acc>>>;

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

/// reduce_block for elements that a step chooses from; false, and nothing in out, if one is NaN.
template <class Step, class Acc, bool truth, bool long_row, class T>
bool choose_block(const T* x, int64_t n, Acc* out) {
  constexpr int64_t kLanes = 4 * kVector;
  Acc lane[kLanes];
  std::conditional_t<sizeof(Acc) == 8, int64_t, int32_t> nan[kLanes / 2];
  for (int64_t j = 0; j < kLanes; ++j) lane[j] = Step::template identity<Acc>();
  for (int64_t j = 0; j < kLanes / 2; ++j) nan[j] = 0;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t line = 0; long_row && line < kLanes * sizeof(T); line += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(x + i) + 8192 + line);
    }
    for (int64_t j = 0; j < kLanes; ++j) {
      lane[j] = Step::quick(lane[j], element<Acc, truth>(x[i + j]));
    }
    for (int64_t j = 0; j < kLanes / 2; ++j) {
      const Acc a = element<Acc, truth>(x[i + j]);
      const Acc b = element<Acc, truth>(x[i + j + kLanes / 2]);
      nan[j] |= __builtin_isunordered(a, b) ? 1 : 0;
    }
  }
  for (; i < n; i += kVector) {
    const auto left = static_cast<int>(std::min(kVector, n - i));
    for (int j = 0; j < kVector; ++j) {
      Acc value = Step::template identity<Acc>();
      if (j < left) value = element<Acc, truth>(x[i + j]);
      lane[j] = Step::quick(lane[j], value);
      nan[j] |= value != value ? 1 : 0;
    }
  }
  int any = 0;
  for (int64_t j = 0; j < kLanes / 2; ++j) any |= static_cast<int>(nan[j]);
  for (int64_t j = 0; j < kVector; ++j) {
    out[j] = Step::quick(Step::quick(lane[j], lane[j + 2 * kVector]),
                         Step::quick(lane[j + kVector], lane[j + 3 * kVector]));
  }
  return any == 0;
}

/// Up to kReduceBlock dense elements to kVector numbers: four vectors advance side by side, the
/// last of them masked. (They live in this function: an array that a simd::run callable only refers
/// to would be written to memory at each step.) long_row: memory that is two pages further on is
/// asked for, as the hardware stops at the end of a page.
template <class Step, class Acc, bool truth, bool long_row, class T>
void reduce_block(const T* x, int64_t n, Acc* out) {
  if constexpr (kChooses<Step> && std::is_floating_point_v<Acc>) {
    if (choose_block<Step, Acc, truth, long_row>(x, n, out)) return;
  }
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
  if (const auto left = static_cast<int>(n - i); left > 0) {
    for (int j = 0; j < kLanes; ++j) {
      Acc value = Step::template identity<Acc>();
      if (j < left) value = element<Acc, truth>(x[i + j]);
      lane[j] = Step::step(lane[j], value);
    }
  }
  for (int64_t j = 0; j < kVector; ++j) {
    out[j] = Step::join(Step::join(lane[j], lane[j + 2 * kVector]),
                        Step::join(lane[j + kVector], lane[j + 3 * kVector]));
  }
}

/// One number from dense memory of any length: the blocks' numbers are joined in Total.
template <class Step, class Acc, bool truth, class T>
Total<Step, Acc> reduce_dense(const T* x, int64_t n) {
  if (n < kVector) {
    Acc acc = Step::template identity<Acc>();
    for (int64_t i = 0; i < n; ++i) acc = Step::step(acc, element<Acc, truth>(x[i]));
    return static_cast<Total<Step, Acc>>(acc);
  }
  Total<Step, Acc> result;
  simd::run([&] {
    const T* from = x;
    const int64_t count = n;
    Total<Step, Acc> total[kVector];
    for (int64_t j = 0; j < kVector; ++j) total[j] = Step::template identity<Total<Step, Acc>>();
    for (int64_t i = 0; i < count; i += kReduceBlock) {
      Acc lane[kVector];
      reduce_block<Step, Acc, truth, true>(from + i, std::min(kReduceBlock, count - i), lane);
      for (int64_t j = 0; j < kVector; ++j) {
        total[j] = Step::join(total[j], static_cast<Total<Step, Acc>>(lane[j]));
      }
    }
    for (int64_t half = kVector / 2; half > 0; half /= 2) {
      for (int64_t j = 0; j < half; ++j) total[j] = Step::join(total[j], total[j + half]);
    }
    result = total[0];
  });
  return result;
}

inline constexpr int64_t kReduceRows = 8;  // rows whose numbers are joined side by side

/// total[i] = the n elements from rows[i] on, for up to kReduceRows rows of up to kReduceBlock.
template <class Step, class Acc, bool truth, class T>
void reduce_rows(const T* const* rows, int64_t count, int64_t n, Total<Step, Acc>* total) {
  simd::run([&] {
    const int64_t m = count;
    alignas(64) Acc lane[kReduceRows * kVector];
    alignas(64) Total<Step, Acc> joined[kReduceRows * kVector];
    for (int64_t i = 0; i < m; ++i) {
      reduce_block<Step, Acc, truth, false>(rows[i], n, lane + i * kVector);
    }
    for (int64_t j = 0; j < m * kVector; ++j) joined[j] = static_cast<Total<Step, Acc>>(lane[j]);
    const auto halve = [&]<int64_t half>(std::integral_constant<int64_t, half>) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < half; ++j) {
          const Total<Step, Acc>* pair = joined + (2 * i) * half + j;
          joined[i * half + j] = Step::join(pair[0], pair[half]);
        }
      }
    };
    halve(std::integral_constant<int64_t, 8>{});
    halve(std::integral_constant<int64_t, 4>{});
    halve(std::integral_constant<int64_t, 2>{});
    halve(std::integral_constant<int64_t, 1>{});
    for (int64_t i = 0; i < m; ++i) total[i] = joined[i];
  });
}

/// One number from dense memory, rounded to Acc.
template <class Step, class Acc> Acc reduce_row(const Acc* x, int64_t n) {
  return static_cast<Acc>(reduce_dense<Step, Acc, false>(x, n));
}

}  // namespace iolaus::cpu
