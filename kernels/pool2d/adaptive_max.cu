// adaptive_max_pool2d on CUDA: one thread an output, which visits its window. Deterministic,
// bandwidth-bound.
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/pool2d/adaptive_max.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads)
    adaptive_max_pool2d_kernel(PoolShape s, const T* x, T* out, int32_t* indices) {
  using A = MathType<T>;
  const int64_t n = s.planes * s.out_height * s.out_width;
  for (int64_t o = gpu::global_thread(); o < n; o += gpu::global_threads()) {
    const int64_t row = gpu::fast_div(o, s.out_width), p = gpu::fast_div(row, s.out_height);
    const PoolSpan rows = adaptive_span(row - p * s.out_height, s.in_height, s.out_height);
    const PoolSpan columns = adaptive_span(o - row * s.out_width, s.in_width, s.out_width);
    const T* plane = x + p * s.in_height * s.in_width;
    int64_t at = rows.begin * s.in_width + columns.begin;
    A best = static_cast<A>(plane[at]);
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      for (int64_t j = columns.begin; j < columns.end; ++j) {
        const A value = static_cast<A>(plane[i * s.in_width + j]);
        // NaN wins, the last one; of equals the first.
        if (!(value > best) && value == value) continue;
        best = value;
        at = i * s.in_width + j;
      }
    }
    out[o] = static_cast<T>(best);
    indices[o] = static_cast<int32_t>(at);
  }
}

void run(const AdaptiveMaxPool2d& a) {
  if (a.out.numel() == 0) return;
  visit_dtype(FloatTypes{}, "adaptive_max_pool2d", a.dtype(), [&]<class T>() {
    const cuda::OnDevice stream(a.device());
    gpu::launch(adaptive_max_pool2d_kernel<T>, gpu::grid_for(a.out.numel(), kThreads), kThreads, 0,
                stream, pool_shape(a.x, a.out), static_cast<const T*>(a.x.raw_data()),
                static_cast<T*>(a.out.raw_data()), static_cast<int32_t*>(a.indices.raw_data()));
  });
}

const bool kRegistered =
    adaptive_max_pool2d_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
