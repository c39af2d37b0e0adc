// embedding on CUDA. Forward gathers rows. Backward sums the gradients of equal indices in order of
// their positions without atomics: the block of an index's first position scans the later ones,
// 128 at a time, and adds the rows that match. So it is deterministic; the scan costs about
// count^2 / 2 index reads (from the cache), which pays up to some ten thousand indices.
#include "kernels/elementwise/domain.h"
#include "kernels/embedding/embedding.h"
#include "kernels/gpu.h"

namespace iolaus {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / gpu::kWarp;

// An index outside of the table is reported and gives NaN.
template <class T>
__global__ void __launch_bounds__(kThreads)
    embedding_kernel(int64_t count, int64_t rows, int64_t width, const int64_t* index,
                     const T* table, T* out, cuda::IndexError* error, cuda::IndexedOp op) {
  const int64_t n = count * width;
  for (int64_t e = gpu::global_thread(); e < n; e += gpu::global_threads()) {
    const int64_t i = gpu::fast_div(e, width), d = e - i * width;
    const int64_t row = index[i];
    if (row >= 0 && row < rows) {
      out[e] = table[row * width + d];
    } else {
      out[e] = static_cast<T>(static_cast<MathType<T>>(NAN));
      if (d == 0) gpu::report_index(error, op, row, i, rows);
    }
  }
}

template <class T> __global__ void __launch_bounds__(kThreads) zero_kernel(int64_t n, T* out) {
  for (int64_t e = gpu::global_thread(); e < n; e += gpu::global_threads()) {
    out[e] = static_cast<T>(MathType<T>(0));
  }
}

// Bit b of matches[w] is set where position start + 32 w + b has the index row. All threads call.
__device__ __forceinline__ void find_matches(unsigned (&matches)[kWarps], const int64_t* index,
                                             int64_t start, int64_t end, int64_t row) {
  const int64_t at = start + threadIdx.x;
  const unsigned found = __ballot_sync(gpu::kAllLanes, at < end && index[at] == row);
  __syncthreads();  // the last turn's readers are done
  if (threadIdx.x % gpu::kWarp == 0) matches[threadIdx.x / gpu::kWarp] = found;
  __syncthreads();
}

// One block for each position (x) and 128 columns (y).
template <class T>
__global__ void __launch_bounds__(kThreads)
    embedding_backward_kernel(int64_t count, int64_t rows, int64_t width, int64_t padding,
                              const int64_t* index, const T* g, T* out) {
  using A = MathType<T>;
  SHARED_ARRAY(unsigned, matches, [kWarps]);
  const int64_t d = static_cast<int64_t>(blockIdx.y) * kThreads + threadIdx.x;
  for (int64_t i = blockIdx.x; i < count; i += gridDim.x) {
    const int64_t row = index[i];  // the same for all threads: branches on it do not diverge
    if (row < 0 || row >= rows || row == padding) continue;
    bool first = true;
    for (int64_t start = 0; start < i && first; start += kThreads) {
      find_matches(matches, index, start, i, row);
      for (int w = 0; w < kWarps; ++w) first = first && matches[w] == 0;
    }
    if (!first) continue;
    A sum = 0;
    for (int64_t start = i; start < count; start += kThreads) {
      find_matches(matches, index, start, count, row);
      for (int w = 0; w < kWarps; ++w) {
        for (unsigned left = matches[w]; left != 0; left &= left - 1) {
          const int64_t at = start + w * gpu::kWarp + (__ffs(static_cast<int>(left)) - 1);
          if (d < width) sum += static_cast<A>(g[at * width + d]);
        }
      }
    }
    if (d < width) out[row * width + d] = static_cast<T>(sum);
  }
}

template <class T> void forward(const Embedding& e) {
  if (e.count * e.width == 0) return;
  const cuda::OnDevice stream(e.device());
  gpu::launch(embedding_kernel<T>, gpu::grid_for(e.count * e.width, kThreads), kThreads, 0, stream,
              e.count, e.rows, e.width, e.index, static_cast<const T*>(e.in),
              static_cast<T*>(e.out), cuda::index_error_record(), cuda::indexed_op("embedding"));
}

template <class T> void backward(const Embedding& e) {
  if (e.rows * e.width == 0) return;
  const cuda::OnDevice stream(e.device());
  auto* out = static_cast<T*>(e.out);
  gpu::launch(zero_kernel<T>, gpu::grid_for(e.rows * e.width, kThreads), kThreads, 0, stream,
              e.rows * e.width, out);
  if (e.count == 0) return;
  const int64_t tiles = gpu::ceil_div(e.width, kThreads);
  IOLAUS_CHECK_CODE(tiles <= 65535, ErrorCode::kUnsupported,
                    "[embedding] rows of {} elements are too long", e.width);
  gpu::launch(embedding_backward_kernel<T>,
              dim3(gpu::grid_for(e.count, 1), static_cast<unsigned>(tiles)), kThreads, 0, stream,
              e.count, e.rows, e.width, e.padding, e.index, static_cast<const T*>(e.in), out);
}

void run_forward(const Embedding& e) {
  visit_dtype(FloatTypes{}, "embedding", e.element, [&]<class T>() { forward<T>(e); });
}
void run_backward(const Embedding& e) {
  visit_dtype(FloatTypes{}, "embedding", e.element, [&]<class T>() { backward<T>(e); });
}

const bool kForward =
    embedding_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_forward, 1});
const bool kBackward =
    embedding_backward_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_backward, 1});

}  // namespace
}  // namespace iolaus
