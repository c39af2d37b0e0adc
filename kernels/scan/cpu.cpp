// scan on the CPU: rows side by side are advanced together, which reads memory in order; threads
// take outer rows, or columns where there is only one. A running result depends on the one before,
// so a single row is one chain of additions.
#include <algorithm>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/scan/scan.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 16384;  // elements that are worth a thread
constexpr int64_t kLanes = 256;    // columns that advance together

template <class T, bool prod> ScanType<T> next(ScanType<T> total, T x) {
  const auto value = static_cast<ScanType<T>>(static_cast<MathType<T>>(x));
  if constexpr (std::is_same_v<T, int64_t>) {  // wraps around
    const auto a = static_cast<uint64_t>(total), b = static_cast<uint64_t>(value);
    return static_cast<int64_t>(prod ? a * b : a + b);
  } else {
    return prod ? total * value : total + value;
  }
}

// Columns [begin, end) of one outer row.
template <class T, bool prod>
void columns(const T* x, T* out, int64_t n, int64_t inner, int64_t begin, int64_t end) {
  for (int64_t first = begin; first < end; first += kLanes) {
    const int64_t width = std::min(kLanes, end - first);
    simd::run([&] {
      const int64_t count = width;
      ScanType<T> total[kLanes];
      for (int64_t i = 0; i < kLanes; ++i) total[i] = prod ? ScanType<T>(1) : ScanType<T>(0);
      for (int64_t j = 0; j < n; ++j) {
        const T* from = x + j * inner + first;
        T* to = out + j * inner + first;
#pragma GCC ivdep
        for (int64_t i = 0; i < count; ++i) {
          total[i] = next<T, prod>(total[i], from[i]);
          to[i] = static_cast<T>(static_cast<MathType<T>>(total[i]));
        }
      }
    });
  }
}

// Rows [begin, end) of n neighbours each, eight at a time: their chains run side by side.
template <class T, bool prod> void rows(const T* x, T* out, int64_t n, int64_t begin, int64_t end) {
  const auto advance = [&]<int64_t count>(int64_t row) {
    const T* from = x + row * n;
    T* to = out + row * n;
    ScanType<T> total[count];
    for (int64_t r = 0; r < count; ++r) total[r] = prod ? ScanType<T>(1) : ScanType<T>(0);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t r = 0; r < count; ++r) {
        total[r] = next<T, prod>(total[r], from[r * n + j]);
        to[r * n + j] = static_cast<T>(static_cast<MathType<T>>(total[r]));
      }
    }
  };
  int64_t row = begin;
  for (; row + 8 <= end; row += 8) advance.template operator()<8>(row);
  for (; row < end; ++row) advance.template operator()<1>(row);
}

template <bool prod> void run(const Scan& s) {
  visit_dtype(ScanTypes{}, "scan", s.element, [&]<class T>() {
    const T* x = static_cast<const T*>(s.x);
    T* out = static_cast<T*>(s.out);
    const int64_t row = s.n * s.inner;
    if (row == 0) return;
    if (s.inner == 1) {
      return parallel_for(
          s.outer, std::max<int64_t>(1, kGrain / row),
          [&](int64_t begin, int64_t end) { rows<T, prod>(x, out, s.n, begin, end); });
    }
    if (s.outer == 1) {
      return parallel_for(
          s.inner, std::max<int64_t>(kLanes, kGrain / s.n),
          [&](int64_t begin, int64_t end) { columns<T, prod>(x, out, s.n, s.inner, begin, end); });
    }
    parallel_for(s.outer, std::max<int64_t>(1, kGrain / row), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        columns<T, prod>(x + o * row, out + o * row, s.n, s.inner, 0, s.inner);
      }
    });
  });
}

const bool kRegistered =
    scan_kernels(ScanOp::kSum).add({"cpu", kCPU, dtypes_of(ScanTypes{}), run<false>, 1}) &&
    scan_kernels(ScanOp::kProd).add({"cpu", kCPU, dtypes_of(ScanTypes{}), run<true>, 1});

}  // namespace
}  // namespace iolaus
