// scan on CUDA. Contiguous rows: a block walks its row in tiles, scans each in shared memory
// (Hillis and Steele 1986) and carries the total on. Rows that are few and long are cut into
// chunks: a first kernel finds the chunks' totals, and each block of the second begins with the
// total of those before its own. Columns (inner > 1): a thread a column, neighbours read side by
// side. Bytes: each element read once (twice in chunks) and written once. Deterministic.
#include <algorithm>

#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/scan/scan.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256, kItems = 4, kTile = kThreads * kItems;

template <bool kProd, class A> __device__ __forceinline__ A join(A a, A b) {
  if constexpr (std::is_same_v<A, int64_t>) {  // wraps around
    const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
    return static_cast<int64_t>(kProd ? x * y : x + y);
  } else {
    return kProd ? a * b : a + b;
  }
}
template <class A, class T> __device__ __forceinline__ A load(const T& x) {
  return static_cast<A>(static_cast<MathType<T>>(x));
}
template <class T, class A> __device__ __forceinline__ T narrow_to(A x) {
  return static_cast<T>(static_cast<MathType<T>>(x));
}

template <bool kProd> struct Join {
  template <class A> __device__ A operator()(A a, A b) const { return join<kProd>(a, b); }
};
template <bool kProd, class A> __device__ __forceinline__ A identity() {
  return kProd ? A(1) : A(0);
}

// x: (rows, n); totals: (rows, gridDim.y), of the chunks
template <bool kProd, class T>
__global__ void __launch_bounds__(kThreads)
    scan_totals_kernel(const T* x, ScanType<T>* totals, int64_t rows, int64_t n, int64_t chunk) {
  using A = ScanType<T>;
  const int64_t begin = blockIdx.y * chunk, end = begin + chunk < n ? begin + chunk : n;
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    A total = identity<kProd, A>();
#pragma unroll 4
    for (int64_t j = begin + threadIdx.x; j < end; j += kThreads) {
      total = join<kProd>(total, load<A>(x[row * n + j]));
    }
    total = gpu::block_reduce(total, identity<kProd, A>(), Join<kProd>{});
    if (threadIdx.x == 0) totals[row * gridDim.y + blockIdx.y] = total;
  }
}

// x, out: (rows, n); totals as above, or null where a row is one chunk
template <bool kProd, class T>
__global__ void __launch_bounds__(kThreads)
    scan_rows_kernel(const T* x, T* out, const ScanType<T>* totals, int64_t rows, int64_t n,
                     int64_t chunk) {
  using A = ScanType<T>;
  SHARED_ARRAY(A, tile, [2][kThreads]);
  const int thread = static_cast<int>(threadIdx.x);
  const int64_t begin = blockIdx.y * chunk, end = begin + chunk < n ? begin + chunk : n;
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    A carry = identity<kProd, A>();
    if (totals != nullptr) {
      for (unsigned k = threadIdx.x; k < blockIdx.y; k += kThreads) {
        carry = join<kProd>(carry, totals[row * gridDim.y + k]);
      }
      carry = gpu::block_reduce(carry, identity<kProd, A>(), Join<kProd>{});
    }
    for (int64_t start = begin; start < end; start += kTile) {
      // This thread's elements follow each other: own[i] is the running result of the first i + 1.
      const int64_t first = start + thread * kItems;
      A own[kItems];
#pragma unroll
      for (int i = 0; i < kItems; ++i) {
        const A value = first + i < end ? load<A>(x[row * n + first + i]) : identity<kProd, A>();
        own[i] = i == 0 ? value : join<kProd>(own[i - 1], value);
      }
      int side = 0;
      tile[0][thread] = own[kItems - 1];
      for (int offset = 1; offset < kThreads; offset *= 2) {
        __syncthreads();
        const A sum = tile[side][thread];
        tile[1 - side][thread] =
            thread >= offset ? join<kProd>(tile[side][thread - offset], sum) : sum;
        side = 1 - side;
      }
      __syncthreads();
      const A before = thread > 0 ? join<kProd>(carry, tile[side][thread - 1]) : carry;
#pragma unroll
      for (int i = 0; i < kItems; ++i) {
        if (first + i < end) out[row * n + first + i] = narrow_to<T>(join<kProd>(before, own[i]));
      }
      carry = join<kProd>(carry, tile[side][kThreads - 1]);
      __syncthreads();  // the tile is read before the next one overwrites it
    }
  }
}

// x, out: (outer, n, inner)
template <bool kProd, class T>
__global__ void __launch_bounds__(kThreads)
    scan_columns_kernel(const T* x, T* out, int64_t outer, int64_t n, int64_t inner) {
  using A = ScanType<T>;
  for (int64_t i = gpu::global_thread(); i < outer * inner; i += gpu::global_threads()) {
    const int64_t base = i / inner * n * inner + i % inner;
    A total = kProd ? A(1) : A(0);
    for (int64_t j = 0; j < n; ++j) {
      total = join<kProd>(total, load<A>(x[base + j * inner]));
      out[base + j * inner] = narrow_to<T>(total);
    }
  }
}

template <bool kProd> void run(const Scan& s) {
  if (s.outer * s.n * s.inner == 0) return;
  const cuda::OnDevice stream(s.target);
  visit_dtype(ScanTypes{}, "scan", s.element, [&]<class T>() {
    const T* x = static_cast<const T*>(s.x);
    T* out = static_cast<T*>(s.out);
    if (s.inner == 1) {
      // As many chunks as fill a GPU, each worth a block.
      const int64_t wanted = std::clamp<int64_t>(1024 / s.outer, 1, s.n);
      const int64_t tiles = std::max<int64_t>(gpu::ceil_div(gpu::ceil_div(s.n, wanted), kTile), 4);
      const int64_t chunk = tiles * kTile, chunks = gpu::ceil_div(s.n, chunk);
      const dim3 grid(gpu::grid_for(s.outer), static_cast<unsigned>(chunks));
      const gpu::DeviceScratch<ScanType<T>> totals(s.target, chunks > 1 ? s.outer * chunks : 0);
      if (chunks > 1) {
        gpu::launch(scan_totals_kernel<kProd, T>, grid, kThreads, 0, stream, x, totals.data(),
                    s.outer, s.n, chunk);
      }
      gpu::launch(scan_rows_kernel<kProd, T>, grid, kThreads, 0, stream, x, out, totals.data(),
                  s.outer, s.n, chunk);
    } else {
      gpu::launch(scan_columns_kernel<kProd, T>, gpu::grid_for(s.outer * s.inner, kThreads),
                  kThreads, 0, stream, x, out, s.outer, s.n, s.inner);
    }
  });
}

const bool kRegistered =
    scan_kernels(ScanOp::kSum).add({"cuda", kCUDA, dtypes_of(ScanTypes{}), run<false>, 1}) &&
    scan_kernels(ScanOp::kProd).add({"cuda", kCUDA, dtypes_of(ScanTypes{}), run<true>, 1});

}  // namespace
}  // namespace iolaus
