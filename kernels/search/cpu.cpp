// search on the CPU: values spread over threads.
#include "core/parallel.h"
#include "kernels/elementwise/domain.h"
#include "kernels/search/search.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 2048;  // bisections that are worth a thread

void run(const Search& s) {
  const int64_t n = s.edges.sizes()[1], m = s.values.sizes()[1];
  const bool shared = s.edges.sizes()[0] == 1;
  visit_dtype(AllTypes{}, "search", s.dtype(), [&]<class T>() {
    const T *edges = s.edges.data<T>(), *values = s.values.data<T>();
    int64_t* out = s.out.data<int64_t>();
    parallel_for(s.values.numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* row = edges + (shared ? 0 : i / m * n);
        out[i] = search_row(row, n, static_cast<MathType<T>>(values[i]), s.right);
      }
    });
  });
}

const bool kRegistered = search_kernels().add({"cpu", kCPU, dtypes_of(AllTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
