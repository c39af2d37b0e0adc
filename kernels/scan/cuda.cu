// scan on CUDA. Contiguous rows: a block walks its row in tiles, scans each in shared memory
// (Hillis and Steele 1986) and carries the total on. Columns (inner > 1): a thread a column,
// neighbours read side by side. Bytes: each element read and written once. Deterministic. One long
// row keeps one block busy only.
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/scan/scan.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

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

// x, out: (rows, n)
template <bool kProd, class T>
__global__ void __launch_bounds__(kThreads)
    scan_rows_kernel(const T* x, T* out, int64_t rows, int64_t n) {
  using A = ScanType<T>;
  SHARED_ARRAY(A, tile, [2][kThreads]);
  const int thread = static_cast<int>(threadIdx.x);
  const A identity = kProd ? A(1) : A(0);
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    A carry = identity;
    for (int64_t start = 0; start < n; start += kThreads) {
      const int64_t j = start + thread;
      int side = 0;
      tile[0][thread] = j < n ? load<A>(x[row * n + j]) : identity;
      for (int offset = 1; offset < kThreads; offset *= 2) {
        __syncthreads();
        const A own = tile[side][thread];
        tile[1 - side][thread] =
            thread >= offset ? join<kProd>(tile[side][thread - offset], own) : own;
        side = 1 - side;
      }
      __syncthreads();
      if (j < n) out[row * n + j] = narrow_to<T>(join<kProd>(carry, tile[side][thread]));
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
      gpu::launch(scan_rows_kernel<kProd, T>, gpu::grid_for(s.outer, 1), kThreads, 0, stream, x,
                  out, s.outer, s.n);
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
