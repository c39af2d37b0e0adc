// triangle on CUDA: a thread for each element.
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/triangle/triangle.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

// x and out (count / (rows columns), rows, columns)
template <class T>
__global__ void __launch_bounds__(kThreads)
    triangle_kernel(const T* x, T* out, int64_t count, int64_t rows, int64_t columns,
                    int64_t diagonal, bool lower) {
  for (int64_t at = gpu::global_thread(); at < count; at += gpu::global_threads()) {
    const int64_t row = gpu::fast_div(at, columns), j = at - row * columns;
    const int64_t i = row - gpu::fast_div(row, rows) * rows;
    const bool inside = lower ? j - i <= diagonal : j - i >= diagonal;
    out[at] = inside ? x[at] : T{};
  }
}

void run(const Triangle& t) {
  const int64_t count = t.x.numel();
  if (count == 0) return;
  const cuda::OnDevice stream(t.device());
  visit_dtype(AllTypes{}, "triangle", t.dtype(), [&]<class T>() {
    gpu::launch(triangle_kernel<T>, gpu::grid_for(count, kThreads), kThreads, 0, stream,
                t.x.data<T>(), t.out.data<T>(), count, t.x.size(-2), t.x.size(-1), t.diagonal,
                t.lower);
  });
}

const bool kRegistered = triangle_kernels().add({"cuda", kCUDA, dtypes_of(AllTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
