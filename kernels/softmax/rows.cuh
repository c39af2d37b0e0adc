// The passes over one row that the CUDA variants of softmax share. A row's elements are spread over
// the threads of a group: one warp, the whole block, or a single thread.
#pragma once

#include "kernels/elementwise/math.h"
#include "kernels/gpu.h"
#include "kernels/softmax/softmax.h"

namespace iolaus::gpu {

inline constexpr int kSoftmaxThreads = 256;

/// Largest element so far and the sum of e^(x - largest); joined in one pass.
template <class A> struct MaxSum { A largest, sum; };
template <class A>
__device__ __forceinline__ MaxSum<A> shuffle_xor(const MaxSum<A>& x, int offset) {
  return {shuffle_xor(x.largest, offset), shuffle_xor(x.sum, offset)};
}
struct JoinMaxSum {
  template <class A> __device__ MaxSum<A> operator()(const MaxSum<A>& a, const MaxSum<A>& b) const {
    const A largest = Max{}(a.largest, b.largest);
    // Nothing but -inf so far: e^(-inf - -inf) would be NaN.
    if (largest == -INFINITY) return {largest, A(0)};
    return {largest,
            a.sum * math::exp(a.largest - largest) + b.sum * math::exp(b.largest - largest)};
  }
};

template <class A> __device__ __forceinline__ void add_element(MaxSum<A>& all, A x) {
  if (x > all.largest || x != x) {
    all.sum = all.sum * math::exp(all.largest - x) + (A(1) + (x - x));  // NaN where x is infinite
    all.largest = x;
  } else if (x != -INFINITY) {
    all.sum += math::exp(x - all.largest);
  }
}

/// How the threads of a block share rows.
enum class Group { kThread, kWarp, kBlock };

template <Group kGroup, class T, class Op>
__device__ __forceinline__ T reduce_in(T value, T identity, Op op) {
  if constexpr (kGroup == Group::kBlock) return block_reduce(value, identity, op);
  if constexpr (kGroup == Group::kWarp) return warp_reduce(value, op);
  return value;
}

/// x, out: element 0 of the row; stride between its elements; member of width threads. A group
/// without a row has n = 0, but takes part in the reductions.
template <Group kGroup, class T>
__device__ __forceinline__ void softmax_row(const T* x, T* out, int64_t n, int64_t stride,
                                            int member, int width, bool log_form) {
  using A = MathType<T>;
  MaxSum<A> all{-INFINITY, A(0)};
  for (int64_t j = member; j < n; j += width) {
    add_element(all, static_cast<A>(x[j * stride]));
  }
  all = reduce_in<kGroup>(all, MaxSum<A>{-INFINITY, A(0)}, JoinMaxSum{});
  const A log_sum = math::log(all.sum), inverse = A(1) / all.sum;
  for (int64_t j = member; j < n; j += width) {
    const A shifted = static_cast<A>(x[j * stride]) - all.largest;
    out[j * stride] = static_cast<T>(log_form ? shifted - log_sum : math::exp(shifted) * inverse);
  }
}

template <Group kGroup, class T>
__device__ __forceinline__ void softmax_backward_row(const T* y, const T* g, T* out, int64_t n,
                                                     int64_t stride, int member, int width,
                                                     bool log_form) {
  using A = MathType<T>;
  A sum = 0;
  for (int64_t j = member; j < n; j += width) {
    const A gradient = static_cast<A>(g[j * stride]);
    sum += log_form ? gradient : gradient * static_cast<A>(y[j * stride]);
  }
  sum = reduce_in<kGroup>(sum, A(0), Sum{});
  for (int64_t j = member; j < n; j += width) {
    const A gradient = static_cast<A>(g[j * stride]), value = static_cast<A>(y[j * stride]);
    out[j * stride] =
        static_cast<T>(log_form ? gradient - math::exp(value) * sum : value * (gradient - sum));
  }
}

/// Rows (outer, n, inner) by groups of a 1-d block. g null: the forward pass.
template <Group kGroup, class T>
__global__ void __launch_bounds__(kSoftmaxThreads)
    softmax_kernel(int64_t rows, int64_t n, int64_t inner, bool log_form, const T* x, const T* g,
                   T* out) {
  constexpr int kWidth = kGroup == Group::kBlock  ? kSoftmaxThreads
                         : kGroup == Group::kWarp ? kWarp
                                                  : 1;
  constexpr int kGroups = kSoftmaxThreads / kWidth;
  const int member = threadIdx.x % kWidth;
  for (int64_t r0 = static_cast<int64_t>(blockIdx.x) * kGroups; r0 < rows;
       r0 += static_cast<int64_t>(gridDim.x) * kGroups) {
    const int64_t r = r0 + threadIdx.x / kWidth;
    const int64_t count = r < rows ? n : 0;
    const int64_t outer = fast_div(r, inner);
    const int64_t base = r < rows ? outer * n * inner + (r - outer * inner) : 0;
    if (g == nullptr) {
      softmax_row<kGroup>(x + base, out + base, count, inner, member, kWidth, log_form);
    } else {
      softmax_backward_row<kGroup>(x + base, g + base, out + base, count, inner, member, kWidth,
                                   log_form);
    }
  }
}

template <Group kGroup, class T> void launch_softmax(const Softmax& s) {
  const int64_t rows = s.outer * s.inner;
  if (rows == 0 || s.n == 0) return;
  const int64_t per_block = kGroup == Group::kBlock  ? 1
                            : kGroup == Group::kWarp ? kSoftmaxThreads / kWarp
                                                     : kSoftmaxThreads;
  const cuda::OnDevice stream(s.device());
  launch(softmax_kernel<kGroup, T>, grid_for(rows, per_block), kSoftmaxThreads, 0, stream, rows,
         s.n, s.inner, s.log, static_cast<const T*>(s.x), static_cast<const T*>(s.g),
         static_cast<T*>(s.out));
}

template <Group kGroup> void run_softmax(const Softmax& s) {
  visit_dtype(FloatTypes{}, "softmax", s.element, [&]<class T>() { launch_softmax<kGroup, T>(s); });
}

}  // namespace iolaus::gpu
