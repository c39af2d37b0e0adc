// coordinates on CUDA: a thread for each place.
#include "kernels/coordinates/coordinates.h"
#include "kernels/gpu.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

struct Sizes {
  int rank;
  int64_t size[kMaxRank];
};

// places (n), out (n, rank)
__global__ void __launch_bounds__(kThreads)
    coordinates_kernel(const int64_t* places, int64_t* out, int64_t n, Sizes sizes) {
  for (int64_t i = gpu::global_thread(); i < n; i += gpu::global_threads()) {
    int64_t rest = places[i];
    for (int d = sizes.rank - 1; d > 0; --d) {
      const int64_t outer = gpu::fast_div(rest, sizes.size[d]);
      out[i * sizes.rank + d] = rest - outer * sizes.size[d];
      rest = outer;
    }
    out[i * sizes.rank] = rest;
  }
}

void run(const Coordinates& c) {
  const int64_t n = c.places.numel();
  if (n == 0) return;
  Sizes sizes{c.sizes.rank(), {}};
  for (int d = 0; d < sizes.rank; ++d) sizes.size[d] = c.sizes[d];
  const cuda::OnDevice stream(c.device());
  gpu::launch(coordinates_kernel, gpu::grid_for(n, kThreads), kThreads, 0, stream,
              c.places.data<int64_t>(), c.out.data<int64_t>(), n, sizes);
}

const bool kRegistered = coordinates_kernels().add({"cuda", kCUDA, {kInt64}, run, 1});

}  // namespace
}  // namespace iolaus
