// group_norm on CUDA: a block takes a group. Forward reads it twice for its statistics (mean first,
// then squares around it: no cancellation) and once to normalise, mostly from the cache. Backward
// takes three kernels: sums of each channel of each image by a warp, dx from the sums of a group's
// channels, and the gradients of gamma and beta from those of a channel's images. Deterministic,
// bandwidth-bound.
#include "kernels/elementwise/domain.h"
#include "kernels/group_norm/group_norm.h"
#include "kernels/norm_io.cuh"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / gpu::kWarp;

// Calls body(i, channel within the group) for this thread's elements of a group, without a division
// for each: kThreads further is `channels` channels and `rest` positions further.
template <class Body> __device__ __forceinline__ void for_group(const GroupShape& s, Body body) {
  const auto thread = static_cast<unsigned>(threadIdx.x);
  const bool wide = s.inner > kThreads;
  const unsigned inner = wide ? 1u : static_cast<unsigned>(s.inner);
  const unsigned channels = wide ? 0 : kThreads / inner;
  const unsigned rest = wide ? kThreads : kThreads % inner;
  int64_t c = wide ? 0 : thread / inner, position = wide ? thread : thread % inner;
  for (int64_t i = thread; i < s.columns; i += kThreads) {
    body(i, c);
    c += channels;
    position += rest;
    if (position >= s.inner) {
      position -= s.inner;
      ++c;
    }
  }
}

// Calls body(row, first channel) for the groups of this block: x over groups, y over images.
template <class Body> __device__ __forceinline__ void for_rows(const GroupShape& s, Body body) {
  for (int64_t n = blockIdx.y; n < s.batch; n += gridDim.y) {
    for (int64_t k = blockIdx.x; k < s.groups; k += gridDim.x) body(n * s.groups + k, k * s.own);
  }
}
dim3 row_grid(const GroupShape& s) { return {gpu::grid_for(s.groups, 1), gpu::grid_for(s.batch)}; }

template <class T>
__global__ void __launch_bounds__(kThreads)
    group_norm_kernel(GroupShape s, MathType<T> eps, const T* x, T* out, gpu::Parameter<T> gamma,
                      gpu::Parameter<T> beta, MathType<T>* means, MathType<T>* rstds) {
  using A = MathType<T>;
  const int64_t columns = s.columns;
  for_rows(s, [&](int64_t r, int64_t channel0) {
    const T* row = x + r * columns;
    A sum = 0, squares = 0;
    for (int64_t i = threadIdx.x; i < columns; i += kThreads) sum += static_cast<A>(row[i]);
    const A mean = gpu::block_reduce(sum, A(0), gpu::Sum{}) / static_cast<A>(columns);
    for (int64_t i = threadIdx.x; i < columns; i += kThreads) {
      const A d = static_cast<A>(row[i]) - mean;
      squares += d * d;
    }
    squares = gpu::block_reduce(squares, A(0), gpu::Sum{});
    const A rstd = A(1) / math::sqrt(squares / static_cast<A>(columns) + eps);
    for_group(s, [&](int64_t i, int64_t c) {
      const A xhat = (static_cast<A>(row[i]) - mean) * rstd;
      out[r * columns + i] =
          static_cast<T>(xhat * gamma.get(channel0 + c, A(1)) + beta.get(channel0 + c, A(0)));
    });
    if (threadIdx.x == 0) {  // the next turn's reductions begin with a barrier
      means[r] = mean;
      rstds[r] = rstd;
    }
  });
}

// sums (2, N C): of g xhat and of g over the positions of a plane, a warp each.
template <class T>
__global__ void __launch_bounds__(kThreads)
    group_norm_planes_kernel(GroupShape s, const T* g, const T* x, const MathType<T>* means,
                             const MathType<T>* rstds, MathType<T>* sums) {
  using A = MathType<T>;
  const int lane = threadIdx.x % gpu::kWarp;
  const int64_t planes = s.batch * s.channels;
  for (int64_t p0 = static_cast<int64_t>(blockIdx.x) * kWarps; p0 < planes;
       p0 += static_cast<int64_t>(gridDim.x) * kWarps) {
    const int64_t p = p0 + threadIdx.x / gpu::kWarp;
    A dot = 0, sum = 0;
    if (p < planes) {
      const int64_t r = gpu::fast_div(p, s.own);
      const A mean = means[r], rstd = rstds[r];
      for (int64_t i = lane; i < s.inner; i += gpu::kWarp) {
        const A gradient = static_cast<A>(g[p * s.inner + i]);
        dot += gradient * ((static_cast<A>(x[p * s.inner + i]) - mean) * rstd);
        sum += gradient;
      }
    }
    dot = gpu::warp_reduce(dot, gpu::Sum{});
    sum = gpu::warp_reduce(sum, gpu::Sum{});
    if (lane == 0 && p < planes) {
      sums[p] = dot;
      sums[planes + p] = sum;
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    group_norm_backward_kernel(GroupShape s, const T* g, const T* x, T* dx, gpu::Parameter<T> gamma,
                               const MathType<T>* means, const MathType<T>* rstds,
                               const MathType<T>* sums) {
  using A = MathType<T>;
  const int64_t columns = s.columns, own = s.own, planes = s.batch * s.channels;
  for_rows(s, [&](int64_t r, int64_t channel0) {
    A dot = 0, sum = 0;
    for (int64_t k = threadIdx.x; k < own; k += kThreads) {
      const A scale = gamma.get(channel0 + k, A(1));
      dot += scale * sums[r * own + k];
      sum += scale * sums[planes + r * own + k];
    }
    dot = gpu::block_reduce(dot, A(0), gpu::Sum{}) / static_cast<A>(columns);
    sum = gpu::block_reduce(sum, A(0), gpu::Sum{}) / static_cast<A>(columns);
    const A mean = means[r], rstd = rstds[r];
    for_group(s, [&](int64_t i, int64_t c) {
      const int64_t e = r * columns + i;
      const A h = static_cast<A>(g[e]) * gamma.get(channel0 + c, A(1));
      const A xhat = (static_cast<A>(x[e]) - mean) * rstd;
      dx[e] = static_cast<T>(rstd * (h - sum - xhat * dot));
    });
  });
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    group_norm_parameters_kernel(GroupShape s, const MathType<T>* sums, gpu::ParameterOut<T> dgamma,
                                 gpu::ParameterOut<T> dbeta) {
  using A = MathType<T>;
  for (int64_t c = gpu::global_thread(); c < s.channels; c += gpu::global_threads()) {
    A dot = 0, sum = 0;
    for (int64_t n = 0; n < s.batch; ++n) {
      dot += sums[n * s.channels + c];
      sum += sums[(s.batch + n) * s.channels + c];
    }
    dgamma.set(c, dot);
    dbeta.set(c, sum);
  }
}

template <class T> T* data_of(const Tensor& t) { return static_cast<T*>(t.raw_data()); }

template <class T> void forward(const GroupNorm& a) {
  using A = MathType<T>;
  if (a.x.numel() == 0) return;
  const GroupShape s = group_shape(a.x, a.groups);
  const cuda::OnDevice stream(a.device());
  gpu::launch(group_norm_kernel<T>, row_grid(s), kThreads, 0, stream, s, static_cast<A>(a.eps),
              data_of<T>(a.x), data_of<T>(a.out), gpu::parameter<T>(a.gamma),
              gpu::parameter<T>(a.beta), data_of<A>(a.mean), data_of<A>(a.rstd));
}

template <class T> void backward(const GroupNormBackward& a) {
  using A = MathType<T>;
  const GroupShape s = group_shape(a.x, a.groups);
  if (s.channels == 0) return;
  const int64_t planes = s.batch * s.channels;
  const cuda::OnDevice stream(a.device());
  const gpu::DeviceScratch<A> sums(a.device(), 2 * planes);
  const T *g = data_of<T>(a.g), *x = data_of<T>(a.x);
  const A *means = data_of<A>(a.mean), *rstds = data_of<A>(a.rstd);
  if (planes > 0) {
    gpu::launch(group_norm_planes_kernel<T>, gpu::grid_for(planes, kWarps), kThreads, 0, stream, s,
                g, x, means, rstds, sums.data());
  }
  if (a.dx.defined() && a.x.numel() > 0) {
    gpu::launch(group_norm_backward_kernel<T>, row_grid(s), kThreads, 0, stream, s, g, x,
                data_of<T>(a.dx), gpu::parameter<T>(a.gamma), means, rstds, sums.data());
  }
  if (!a.dgamma.defined() && !a.dbeta.defined()) return;
  gpu::launch(group_norm_parameters_kernel<T>, gpu::grid_for(s.channels, kThreads), kThreads, 0,
              stream, s, sums.data(), gpu::parameter_out<T>(a.dgamma),
              gpu::parameter_out<T>(a.dbeta));
}

void run_forward(const GroupNorm& a) {
  visit_dtype(FloatTypes{}, "group_norm", a.dtype(), [&]<class T>() { forward<T>(a); });
}
void run_backward(const GroupNormBackward& a) {
  visit_dtype(FloatTypes{}, "group_norm", a.dtype(), [&]<class T>() { backward<T>(a); });
}

const bool kForward =
    group_norm_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_forward, 1});
const bool kBackward =
    group_norm_backward_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_backward, 1});

}  // namespace
}  // namespace iolaus
