// compact on CUDA: a block for each part of the mask. A warp knows by a vote which of its elements
// are true, and the warps tell each other how many.
#include "kernels/compact/compact.h"
#include "kernels/gpu.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;

__global__ void __launch_bounds__(kThreads)
    compact_kernel(const bool* mask, const int64_t* ends, int64_t* out, int64_t n) {
  SHARED_ARRAY(int, counts, [kWarps]);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int64_t begin = blockIdx.x * kCompactPart;
  int64_t at = blockIdx.x == 0 ? 0 : ends[blockIdx.x - 1];
  for (int64_t first = begin; first < begin + kCompactPart && first < n; first += kThreads) {
    const int64_t i = first + threadIdx.x;
    const bool is_true = i < n && mask[i];
    const unsigned votes = __ballot_sync(gpu::kAllLanes, is_true);
    if (lane == 0) counts[warp] = __popc(votes);
    __syncthreads();
    int before = __popc(votes & ((1u << lane) - 1)), all = 0;
    for (int w = 0; w < kWarps; ++w) {
      before += w < warp ? counts[w] : 0;
      all += counts[w];
    }
    if (is_true) out[at + before] = i;
    at += all;
    __syncthreads();  // counts are read before they are written again
  }
}

void run(const Compact& c) {
  const int64_t n = c.mask.numel();
  if (n == 0) return;
  const cuda::OnDevice stream(c.device());
  gpu::launch(compact_kernel, static_cast<unsigned>(c.ends.numel()), kThreads, 0, stream,
              c.mask.data<bool>(), c.ends.data<int64_t>(), c.out.data<int64_t>(), n);
}

const bool kRegistered = compact_kernels().add({"cuda", kCUDA, {kBool}, run, 1});

}  // namespace
}  // namespace iolaus
