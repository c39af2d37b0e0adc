// dropout on CUDA: each thread takes the four elements of one Philox block. Bandwidth-bound.
#include "kernels/dropout/dropout.h"
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads)
    dropout_kernel(int64_t n, double p, MathType<T> scale, RandomKey random_key, const T* x,
                   T* out) {
  const PhiloxKey key = random_key.on_device();
  const int64_t blocks = gpu::ceil_div(n, 4);
  for (int64_t b = gpu::global_thread(); b < blocks; b += gpu::global_threads()) {
    const PhiloxBlock random = philox_block(key, static_cast<uint64_t>(b));
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      const int64_t i = b * 4 + q;
      if (i >= n) continue;
      const bool kept = static_cast<double>(uniform_float(random.word[q])) >= p;
      out[i] = static_cast<T>(kept ? static_cast<MathType<T>>(x[i]) * scale : MathType<T>(0));
    }
  }
}

void run(const Dropout& d) {
  if (d.numel == 0) return;
  visit_dtype(FloatTypes{}, "dropout", d.element, [&]<class T>() {
    const cuda::OnDevice stream(d.device());
    gpu::launch(dropout_kernel<T>, gpu::grid_for(gpu::ceil_div(d.numel, 4), kThreads), kThreads, 0,
                stream, d.numel, d.p, d.scale(), d.key, static_cast<const T*>(d.x),
                static_cast<T*>(d.out));
  });
}
const bool kRegistered = dropout_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
