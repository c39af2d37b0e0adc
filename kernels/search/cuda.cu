// search on CUDA: a thread for each value.
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/search/search.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

// edges (R or 1, n), values and out (R, m)
template <class T>
__global__ void __launch_bounds__(kThreads)
    search_kernel(const T* edges, const T* values, int64_t* out, int64_t count, int64_t n,
                  int64_t m, bool shared, bool right) {
  for (int64_t i = gpu::global_thread(); i < count; i += gpu::global_threads()) {
    const T* row = edges + (shared ? 0 : i / m * n);
    out[i] = search_row(row, n, static_cast<MathType<T>>(values[i]), right);
  }
}

void run(const Search& s) {
  const int64_t count = s.values.numel();
  if (count == 0) return;
  const cuda::OnDevice stream(s.device());
  visit_dtype(AllTypes{}, "search", s.dtype(), [&]<class T>() {
    gpu::launch(search_kernel<T>, gpu::grid_for(count, kThreads), kThreads, 0, stream,
                s.edges.data<T>(), s.values.data<T>(), s.out.data<int64_t>(), count,
                s.edges.sizes()[1], s.values.sizes()[1], s.edges.sizes()[0] == 1, s.right);
  });
}

const bool kRegistered = search_kernels().add({"cuda", kCUDA, dtypes_of(AllTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
