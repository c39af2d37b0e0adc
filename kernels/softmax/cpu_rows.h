// Statistics of softmax rows on the CPU, shared with cross entropy: the maximum and the sum of
// exponentials, for one dense row or for up to kLanes rows side by side, each an array lane.
// Short dense rows are also taken side by side, so that ten classes fill vectors.
#pragma once

#include "kernels/elementwise/math.h"
#include "kernels/reduce/cpu_reduce.h"

namespace iolaus::cpu {

inline constexpr int64_t kLanes = 256;      // rows side by side
inline constexpr int64_t kShortRow = 31;    // dense rows up to here are taken side by side
inline constexpr int64_t kRowBlock = 2048;  // elements of a long row in one go

/// Rows of n elements of T: element j of lane r is x[j stride + r lane_stride].
template <class T> struct Rows {
  const T* x;
  int64_t n, stride, lane_stride, lanes;

  /// Element j of all lanes, in Math: where it lies, or converted into buffer (kLanes).
  const MathType<T>* load(int64_t j, MathType<T>* buffer) const {
    return load_block<MathType<T>, false>(x + j * stride, lanes, lane_stride, buffer);
  }
};

/// largest[r] = max_j x_rj, sum[r] = sum_j e^(x_rj - largest[r]).
template <class T>
void row_statistics(const Rows<T>& rows, MathType<T>* largest, MathType<T>* sum) {
  using Math = MathType<T>;
  constexpr int64_t kBlock = 64;  // summands in Math, then double
  alignas(64) Math buffer[kLanes], block[kLanes];
  double total[kLanes];
  const int64_t lanes = rows.lanes;
  for (int64_t r = 0; r < lanes; ++r) {
    largest[r] = MaxStep::identity<Math>();
    total[r] = 0;
  }
  for (int64_t j = 0; j < rows.n; ++j) {
    const Math* x = rows.load(j, buffer);
    simd::run([&] {
      for (int64_t r = 0; r < lanes; ++r) largest[r] = MaxStep::step(largest[r], x[r]);
    });
  }
  for (int64_t begin = 0; begin < rows.n; begin += kBlock) {
    for (int64_t r = 0; r < lanes; ++r) block[r] = 0;
    for (int64_t j = begin; j < std::min(begin + kBlock, rows.n); ++j) {
      const Math* x = rows.load(j, buffer);
      simd::run([&] {
        for (int64_t r = 0; r < lanes; ++r) block[r] += math::exp(x[r] - largest[r]);
      });
    }
    for (int64_t r = 0; r < lanes; ++r) total[r] += static_cast<double>(block[r]);
  }
  for (int64_t r = 0; r < lanes; ++r) sum[r] = static_cast<Math>(total[r]);
}

/// y[j] = e^(x[j] - shift).
template <class Math> void exp_shifted(const Math* x, Math shift, Math* y, int64_t n) {
  simd::run([&] {
    for (int64_t j = 0; j < n; ++j) y[j] = math::exp(x[j] - shift);
  });
}

inline constexpr int64_t kRowsAtOnce = 2 * kReduceBlock;  // elements of dense rows in one go

/// The same statistics of dense rows one after the other, of up to kReduceBlock elements each;
/// exps[row][j] = e^(x[row][j] - largest[row]), room for kRowsAtOnce. Returns how many of the count
/// rows it took.
template <class T>
int64_t dense_statistics(const T* x, int64_t n, int64_t count, MathType<T>* largest,
                         MathType<T>* sum, MathType<T>* exps) {
  using Math = MathType<T>;
  const int64_t taken = std::min({count, kReduceRows, kRowsAtOnce / n});
  const T* rows[kReduceRows];
  const Math* terms[kReduceRows];
  Total<SumStep, Math> total[kReduceRows];
  for (int64_t i = 0; i < taken; ++i) {
    rows[i] = x + i * n;
    terms[i] = exps + i * n;
  }
  reduce_rows<MaxStep, Math, false>(rows, taken, n, largest);
  simd::run([&] {
    for (int64_t i = 0; i < taken; ++i) {
      const T* from = x + i * n;
      Math* to = exps + i * n;
      const Math shift = largest[i];
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) to[j] = math::exp(static_cast<Math>(from[j]) - shift);
    }
  });
  reduce_rows<SumStep, Math, false>(terms, taken, n, total);
  for (int64_t i = 0; i < taken; ++i) sum[i] = static_cast<Math>(total[i]);
  return taken;
}

/// The same statistics of one dense row; where exps is given (Math rows only), the exponentials are
/// left there.
template <class T>
void long_row_statistics(const T* x, int64_t n, MathType<T>& largest, MathType<T>& sum,
                         MathType<T>* exps) {
  using Math = MathType<T>;
  alignas(64) Math buffer[kRowBlock];
  largest = MaxStep::identity<Math>();
  for (int64_t j = 0; j < n; j += kRowBlock) {
    const int64_t count = std::min(kRowBlock, n - j);
    const Math* block = load_block<Math, false>(x + j, count, 1, buffer);
    largest = MaxStep::step(largest, reduce_row<MaxStep>(block, count));
  }
  double total = 0;
  for (int64_t j = 0; j < n; j += kRowBlock) {
    const int64_t count = std::min(kRowBlock, n - j);
    const Math* block = load_block<Math, false>(x + j, count, 1, buffer);
    Math* out = exps != nullptr ? exps + j : buffer;
    exp_shifted(block, largest, out, count);
    total += static_cast<double>(reduce_row<SumStep>(static_cast<const Math*>(out), count));
  }
  sum = static_cast<Math>(total);
}

}  // namespace iolaus::cpu
