// scatter on CUDA for long indices of few columns, "scan": a warp owns a range of the places of one
// column, reads its index 32 at a time, and finds by a vote what falls into the range; of these, in
// order of the index, each place's own lane takes what is its own. No atomics, deterministic. Each
// range reads the whole index: O x I x ranges x m reads, and a warp takes m / 32 steps and one for
// each hit (an index of a million into a million places: about 2000 ranges, 2e9 reads from L2).
#include "kernels/elementwise/domain.h"
#include "kernels/indexing/indexing.cuh"

namespace iolaus {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / gpu::kWarp;
constexpr int64_t kOwners = 2048;      // warps that fill a device
constexpr int64_t kLeastIndices = 64;  // below, one thread each is as good

template <class T>
__global__ void __launch_bounds__(kThreads)
    scatter_scan_kernel(IndexShape s, int64_t ranges, int64_t length,
                        const int64_t* __restrict__ index, const T* __restrict__ src,
                        gpu::ScatterSums<T> sums, gpu::Report report) {
  const int lane = threadIdx.x % gpu::kWarp;
  const int64_t jobs = s.outer * ranges * s.inner;
  // A warp's lanes run the same turns: the votes are collectives.
  for (int64_t job = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / gpu::kWarp;
       job < jobs; job += static_cast<int64_t>(gridDim.x) * kWarps) {
    const int64_t column = gpu::fast_div(job, ranges), range = job - column * ranges;
    const int64_t o = gpu::fast_div(column, s.inner), i = column - o * s.inner;
    const int64_t begin = range * length;
    const int64_t end = begin + length < s.bound ? begin + length : s.bound;
    const int64_t base = o * s.bound * s.inner + i;
    // Place k belongs to lane (k - begin) % 32, from beginning to end.
    for (int64_t k = begin + lane; k < end && sums.has_state(); k += gpu::kWarp) {
      sums.begin(base + k * s.inner);
    }
    const int64_t* at = index + o * s.index_strides[0] + i * s.index_strides[2];
    const T* from = src + o * s.strides[0] + i * s.strides[2];
    for (int64_t j0 = 0; j0 < s.count; j0 += gpu::kWarp) {
      const int64_t j = j0 + lane;
      const int64_t k = j < s.count ? at[j * s.index_strides[1]] : begin - 1;
      if (range == 0 && j < s.count && (k < 0 || k >= s.bound)) {
        report(k, s.position(o, j, i), s.bound);
      }
      unsigned left = __ballot_sync(gpu::kAllLanes, k >= begin && k < end);
      for (; left != 0; left &= left - 1) {
        const int hit = __ffs(static_cast<int>(left)) - 1;
        const int64_t place = __shfl_sync(gpu::kAllLanes, k, hit);
        if ((place - begin) % gpu::kWarp == lane) {
          sums.arrive(base + place * s.inner,
                      static_cast<MathType<T>>(from[(j0 + hit) * s.strides[1]]));
        }
      }
    }
    for (int64_t k = begin + lane; k < end && sums.has_state(); k += gpu::kWarp) {
      sums.finish(base + k * s.inner);
    }
  }
}

template <class T> void scatter_typed(const Scatter& a) {
  const IndexShape s = index_shape(a);
  const int64_t lines = s.outer * s.inner;
  // Ranges of at least a place for each lane.
  const int64_t ranges =
      std::clamp<int64_t>(kOwners / lines, 1, gpu::ceil_div(s.bound, gpu::kWarp));
  const cuda::OnDevice stream(a.device());
  const gpu::ScatterState<T> state(a);
  gpu::launch(scatter_scan_kernel<T>, gpu::grid_for(lines * ranges, kWarps), kThreads, 0, stream, s,
              ranges, gpu::ceil_div(s.bound, ranges),
              static_cast<const int64_t*>(a.index.raw_data()),
              static_cast<const T*>(a.src.raw_data()), state.sums(a), gpu::report_for(a.op));
}

void scatter(const Scatter& a) {
  visit_dtype(AllTypes{}, a.op, a.dtype(), [&]<class T>() { scatter_typed<T>(a); });
}
const char* why_not(const Scatter& a) {
  const IndexShape s = index_shape(a);
  return s.count >= kLeastIndices && s.outer * s.inner > 0 && s.outer * s.inner <= kOwners
             ? nullptr
             : "the index is short or has many columns";
}

const bool kScan =
    scatter_kernels().add({"scan", kCUDA, dtypes_of(AllTypes{}), scatter, 2, why_not});

}  // namespace
}  // namespace iolaus
