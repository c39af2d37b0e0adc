// bincount on CUDA: a thread for each element; sums of whole numbers do not depend on the order.
#include "kernels/bincount/bincount.h"
#include "kernels/gpu.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

// x (n), counts (bins)
__global__ void __launch_bounds__(kThreads)
    bincount_kernel(const int64_t* x, unsigned long long* counts, int64_t n) {
  for (int64_t i = gpu::global_thread(); i < n; i += gpu::global_threads()) {
    atomicAdd(counts + x[i], 1ull);
  }
}

void run(const Bincount& b) {
  const int64_t n = b.x.numel();
  if (n == 0) return;
  const cuda::OnDevice stream(b.device());
  gpu::launch(bincount_kernel, gpu::grid_for(n, kThreads), kThreads, 0, stream, b.x.data<int64_t>(),
              static_cast<unsigned long long*>(b.counts.raw_data()), n);
}

const bool kRegistered = bincount_kernels().add({"cuda", kCUDA, {kInt64}, run, 1});

}  // namespace
}  // namespace iolaus
