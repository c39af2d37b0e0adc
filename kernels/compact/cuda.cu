// compact on CUDA: a thread for each element of the mask; every place is written once.
#include "kernels/compact/compact.h"
#include "kernels/gpu.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    compact_kernel(const bool* mask, const int64_t* ends, int64_t* out, int64_t n) {
  for (int64_t i = gpu::global_thread(); i < n; i += gpu::global_threads()) {
    if (mask[i]) out[ends[i] - 1] = i;
  }
}

void run(const Compact& c) {
  const int64_t n = c.mask.numel();
  if (n == 0) return;
  const cuda::OnDevice stream(c.device());
  gpu::launch(compact_kernel, gpu::grid_for(n, kThreads), kThreads, 0, stream, c.mask.data<bool>(),
              c.ends.data<int64_t>(), c.out.data<int64_t>(), n);
}

const bool kRegistered = compact_kernels().add({"cuda", kCUDA, {kBool}, run, 1});

}  // namespace
}  // namespace iolaus
