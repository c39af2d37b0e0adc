// batch_norm on CUDA: one block a channel, in any dense layout. Training reads x twice for the
// statistics (mean first, then squares around it: no cancellation) and once more to normalise;
// backward reads g and x twice. The later reads come from the cache where a channel fits.
// Deterministic.
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/elementwise/domain.h"
#include "kernels/norm_io.cuh"

namespace iolaus {
namespace {

constexpr int kThreads = 512;

// Calls body(offset) for this thread's elements of channel c.
template <class Body>
__device__ __forceinline__ void for_channel(const ChannelLayout& l, int64_t c, Body body) {
  const int64_t count = l.batch * l.inner;
  for (int64_t e = threadIdx.x; e < count; e += kThreads) {
    const int64_t n = gpu::fast_div(e, l.inner);
    body(n * l.batch_stride + c * l.channel_stride + (e - n * l.inner) * l.inner_stride);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_kernel(ChannelLayout l, MathType<T> momentum, MathType<T> eps, const T* x, T* out,
                      gpu::Parameter<T> gamma, gpu::Parameter<T> beta,
                      gpu::ParameterOut<T> running_mean, gpu::ParameterOut<T> running_var,
                      MathType<T>* mean_out, MathType<T>* invstd_out) {
  using A = MathType<T>;
  const A count = static_cast<A>(l.batch * l.inner);
  for (int64_t c = blockIdx.x; c < l.channels; c += gridDim.x) {
    A sum = 0, squares = 0;
    for_channel(l, c, [&](int64_t at) { sum += static_cast<A>(x[at]); });
    const A mean = gpu::block_reduce(sum, A(0), gpu::Sum{}) / count;
    for_channel(l, c, [&](int64_t at) {
      const A d = static_cast<A>(x[at]) - mean;
      squares += d * d;
    });
    squares = gpu::block_reduce(squares, A(0), gpu::Sum{});
    const A invstd = A(1) / math::sqrt(squares / count + eps);
    const A scale = invstd * gamma.get(c, A(1)), shift = beta.get(c, A(0));
    for_channel(l, c, [&](int64_t at) {
      out[at] = static_cast<T>((static_cast<A>(x[at]) - mean) * scale + shift);
    });
    if (threadIdx.x != 0) continue;  // the next turn's reductions begin with a barrier
    mean_out[c] = mean;
    invstd_out[c] = invstd;
    if (running_mean.data != nullptr) {
      running_mean.set(c, (A(1) - momentum) * running_mean.get(c) + momentum * mean);
    }
    if (running_var.data != nullptr) {
      const A unbiased = squares / (count - A(1));
      running_var.set(c, (A(1) - momentum) * running_var.get(c) + momentum * unbiased);
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_eval_kernel(ChannelLayout l, MathType<T> eps, const T* x, T* out,
                           gpu::Parameter<T> gamma, gpu::Parameter<T> beta, gpu::Parameter<T> means,
                           gpu::Parameter<T> vars) {
  using A = MathType<T>;
  for (int64_t c = blockIdx.x; c < l.channels; c += gridDim.x) {
    const A mean = means.get(c, A(0)), invstd = A(1) / math::sqrt(vars.get(c, A(1)) + eps);
    const A scale = invstd * gamma.get(c, A(1)), shift = beta.get(c, A(0));
    for_channel(l, c, [&](int64_t at) {
      out[at] = static_cast<T>((static_cast<A>(x[at]) - mean) * scale + shift);
    });
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_backward_kernel(ChannelLayout l, bool training, const T* g, const T* x, T* dx,
                               gpu::Parameter<T> gamma, const MathType<T>* means,
                               const MathType<T>* invstds, gpu::ParameterOut<T> dgamma,
                               gpu::ParameterOut<T> dbeta) {
  using A = MathType<T>;
  const A pull = training ? A(1) / static_cast<A>(l.batch * l.inner) : A(0);
  for (int64_t c = blockIdx.x; c < l.channels; c += gridDim.x) {
    const A mean = means[c], invstd = invstds[c];
    A sum = 0, dot = 0;
    for_channel(l, c, [&](int64_t at) {
      const A gradient = static_cast<A>(g[at]);
      sum += gradient;
      dot += gradient * (static_cast<A>(x[at]) - mean);
    });
    sum = gpu::block_reduce(sum, A(0), gpu::Sum{});
    dot = gpu::block_reduce(dot, A(0), gpu::Sum{}) * invstd;
    const A scale = invstd * gamma.get(c, A(1));
    if (dx != nullptr) {
      for_channel(l, c, [&](int64_t at) {
        const A xhat = (static_cast<A>(x[at]) - mean) * invstd;
        dx[at] = static_cast<T>(scale * (static_cast<A>(g[at]) - pull * (sum + xhat * dot)));
      });
    }
    if (threadIdx.x != 0) continue;
    dgamma.set(c, dot);
    dbeta.set(c, sum);
  }
}

template <class T> T* data_or_null(const Tensor& t) {
  return t.defined() ? static_cast<T*>(t.raw_data()) : nullptr;
}

template <class T> void training(const BatchNorm& a) {
  using A = MathType<T>;
  const ChannelLayout l = channel_layout(a.x);
  if (l.channels == 0) return;
  const cuda::OnDevice stream(a.device());
  gpu::launch(batch_norm_kernel<T>, gpu::grid_for(l.channels, 1), kThreads, 0, stream, l,
              static_cast<A>(a.momentum), static_cast<A>(a.eps), data_or_null<T>(a.x),
              data_or_null<T>(a.out), gpu::parameter<T>(a.gamma), gpu::parameter<T>(a.beta),
              gpu::parameter_out<T>(a.running_mean), gpu::parameter_out<T>(a.running_var),
              data_or_null<A>(a.mean), data_or_null<A>(a.invstd));
}
template <class T> void evaluation(const BatchNormEval& a) {
  const ChannelLayout l = channel_layout(a.x);
  if (a.x.numel() == 0) return;
  const cuda::OnDevice stream(a.device());
  gpu::launch(batch_norm_eval_kernel<T>, gpu::grid_for(l.channels, 1), kThreads, 0, stream, l,
              static_cast<MathType<T>>(a.eps), data_or_null<T>(a.x), data_or_null<T>(a.out),
              gpu::parameter<T>(a.gamma), gpu::parameter<T>(a.beta), gpu::parameter<T>(a.mean),
              gpu::parameter<T>(a.var));
}
template <class T> void backward(const BatchNormBackward& a) {
  using A = MathType<T>;
  const ChannelLayout l = channel_layout(a.x);
  if (l.channels == 0) return;
  const cuda::OnDevice stream(a.device());
  gpu::launch(batch_norm_backward_kernel<T>, gpu::grid_for(l.channels, 1), kThreads, 0, stream, l,
              a.training, data_or_null<T>(a.g), data_or_null<T>(a.x), data_or_null<T>(a.dx),
              gpu::parameter<T>(a.gamma), data_or_null<A>(a.mean), data_or_null<A>(a.invstd),
              gpu::parameter_out<T>(a.dgamma), gpu::parameter_out<T>(a.dbeta));
}

template <class Args> const char* why_not(const Args& a) {
  return channel_layout(a.x).dense ? nullptr : "x must be contiguous or channels-last";
}
const char* why_not_backward(const BatchNormBackward& a) {
  if (!channel_layout(a.x).dense) return "x must be contiguous or channels-last";
  if (a.g.strides() == a.x.strides() || a.x.numel() == 0) return nullptr;
  const ChannelLayout g = channel_layout(a.g), x = channel_layout(a.x);
  const bool same = g.dense && g.batch_stride == x.batch_stride &&
                    g.channel_stride == x.channel_stride && g.inner_stride == x.inner_stride;
  return same ? nullptr : "g must have x's layout";
}

void run_training(const BatchNorm& a) {
  visit_dtype(FloatTypes{}, "batch_norm", a.dtype(), [&]<class T>() { training<T>(a); });
}
void run_evaluation(const BatchNormEval& a) {
  visit_dtype(FloatTypes{}, "batch_norm", a.dtype(), [&]<class T>() { evaluation<T>(a); });
}
void run_backward(const BatchNormBackward& a) {
  visit_dtype(FloatTypes{}, "batch_norm", a.dtype(), [&]<class T>() { backward<T>(a); });
}

const std::vector<DType> kFloats = dtypes_of(FloatTypes{});
const bool kTraining =
    batch_norm_kernels().add({"cuda", kCUDA, kFloats, run_training, 1, why_not<BatchNorm>});
const bool kEvaluation = batch_norm_eval_kernels().add(
    {"cuda", kCUDA, kFloats, run_evaluation, 1, why_not<BatchNormEval>});
const bool kBackward =
    batch_norm_backward_kernels().add({"cuda", kCUDA, kFloats, run_backward, 1, why_not_backward});

}  // namespace
}  // namespace iolaus
