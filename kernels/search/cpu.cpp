// search on the CPU: values spread over threads. Some values of a row are searched side by side:
// each step of a bisection waits for memory.
#include "core/parallel.h"
#include "kernels/elementwise/domain.h"
#include "kernels/search/search.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 2048;  // bisections that are worth a thread

constexpr int64_t kLanes = 8;

// kLanes values in one row at once: all halve the same number of entries, from where they stand.
// In plain registers: instructions that gather are slower than as many loads.
template <bool right, class M, class T>
void search_lanes(const T* row, int64_t n, const T* values, int64_t* out) {
  const auto is_before = [](M edge, M value) {
    return right ? !(value < edge) | (value != value) : !(edge >= value);
  };
  M x[kLanes];
  int64_t low[kLanes];
  for (int64_t j = 0; j < kLanes; ++j) {
    x[j] = static_cast<M>(values[j]);
    low[j] = 0;
  }
  for (int64_t left = n; left > 0;) {
    const int64_t half = (left + 1) / 2;  // an entry is left out, or looked at twice
    const T* middle = row + half - 1;
#pragma GCC unroll 8
    for (int64_t j = 0; j < kLanes; ++j) {
      low[j] += is_before(static_cast<M>(middle[low[j]]), x[j]) ? half : 0;
    }
    left -= half;
  }
  for (int64_t j = 0; j < kLanes; ++j) out[j] = low[j];
}

void run(const Search& s) {
  const int64_t n = s.edges.sizes()[1], m = s.values.sizes()[1];
  const bool shared = s.edges.sizes()[0] == 1;
  visit_dtype(AllTypes{}, "search", s.dtype(), [&]<class T>() {
    const T *edges = s.edges.data<T>(), *values = s.values.data<T>();
    int64_t* out = s.out.data<int64_t>();
    parallel_for(s.values.numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end;) {
        const int64_t row_end = shared ? end : std::min(end, (i / m + 1) * m);
        const T* row = edges + (shared ? 0 : i / m * n);
        for (; i + kLanes <= row_end; i += kLanes) {
          s.right ? search_lanes<true, MathType<T>>(row, n, values + i, out + i)
                  : search_lanes<false, MathType<T>>(row, n, values + i, out + i);
        }
        for (; i < row_end; ++i) {
          out[i] = search_row(row, n, static_cast<MathType<T>>(values[i]), s.right);
        }
      }
    });
  });
}

const bool kRegistered = search_kernels().add({"cpu", kCPU, dtypes_of(AllTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
