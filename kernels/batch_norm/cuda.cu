// batch_norm on CUDA, in any dense layout. A block takes a channel; where channels are too few to
// fill a GPU, blocks share one: a first kernel finds the sums of each part, and each block of the
// second joins them and writes its own part. Training reads x twice for the statistics (mean first,
// then squares around it: no cancellation) and once more to normalise; backward reads g and x
// twice. The later reads come from the cache where a part fits. Parts depend on the sizes alone and
// are joined in order: deterministic. Joining of variances: Chan, Golub and LeVeque (1979).
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/elementwise/domain.h"
#include "kernels/norm_io.cuh"

namespace iolaus {
namespace {

constexpr int kThreads = 512;
constexpr int64_t kLeastPart = 4 * kThreads;  // elements that are worth a block
constexpr int64_t kBlocks = 528;              // four on each of 132 multiprocessors

// Parts of a channel: elements [p length, (p + 1) length) of its `count`, p = blockIdx.y.
struct Parts {
  int64_t count, length;
  int number;

  __device__ int64_t begin() const { return blockIdx.y * length; }
  __device__ int64_t end() const { return begin() + size_of(static_cast<int>(blockIdx.y)); }
  __device__ int64_t size_of(int part) const {
    const int64_t rest = count - part * length;
    return rest < length ? rest : length;
  }
};
Parts parts_of(const ChannelLayout& l) {
  const int64_t count = l.batch * l.inner;
  const int64_t wanted = std::clamp<int64_t>(kBlocks / l.channels, 1, 64);
  const int64_t length = std::max(gpu::ceil_div(count, wanted), kLeastPart);
  return {count, length, static_cast<int>(std::max<int64_t>(gpu::ceil_div(count, length), 1))};
}

// Calls body(offset) for this thread's elements [begin, end) of channel c.
template <class Body>
__device__ __forceinline__ void for_channel(const ChannelLayout& l, int64_t c, int64_t begin,
                                            int64_t end, Body body) {
  for (int64_t e = begin + threadIdx.x; e < end; e += kThreads) {
    const int64_t n = gpu::fast_div(e, l.inner);
    body(n * l.batch_stride + c * l.channel_stride + (e - n * l.inner) * l.inner_stride);
  }
}

template <class A> struct Moments {
  A mean, squares;  // squares: the sum of (x - mean)^2
};
// Of elements [begin, end) of channel c; all threads of the block take part and get it.
template <class T>
__device__ Moments<MathType<T>> moments_of(const ChannelLayout& l, int64_t c, int64_t begin,
                                           int64_t end, const T* x) {
  using A = MathType<T>;
  A sum = 0, squares = 0;
  for_channel(l, c, begin, end, [&](int64_t at) { sum += static_cast<A>(x[at]); });
  const A mean = gpu::block_reduce(sum, A(0), gpu::Sum{}) / static_cast<A>(end - begin);
  for_channel(l, c, begin, end, [&](int64_t at) {
    const A d = static_cast<A>(x[at]) - mean;
    squares += d * d;
  });
  return {mean, gpu::block_reduce(squares, A(0), gpu::Sum{})};
}
template <class A> __device__ Moments<A> join(const Parts& parts, const Moments<A>* moments) {
  A sum = 0, squares = 0;
  for (int p = 0; p < parts.number; ++p) {
    sum += static_cast<A>(parts.size_of(p)) * moments[p].mean;
  }
  const A mean = sum / static_cast<A>(parts.count);
  for (int p = 0; p < parts.number; ++p) {
    const A d = moments[p].mean - mean;
    squares += moments[p].squares + static_cast<A>(parts.size_of(p)) * d * d;
  }
  return {mean, squares};
}

// moments (channels, parts)
template <class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_moments_kernel(ChannelLayout l, Parts parts, const T* x,
                              Moments<MathType<T>>* moments) {
  for (int64_t c = blockIdx.x; c < l.channels; c += gridDim.x) {
    const auto part = moments_of(l, c, parts.begin(), parts.end(), x);
    if (threadIdx.x == 0) moments[c * parts.number + blockIdx.y] = part;
  }
}

// moments: those of the parts; null where a block has the whole channel.
template <class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_kernel(ChannelLayout l, Parts parts, const Moments<MathType<T>>* moments,
                      MathType<T> momentum, MathType<T> eps, const T* x, T* out,
                      gpu::Parameter<T> gamma, gpu::Parameter<T> beta,
                      gpu::ParameterOut<T> running_mean, gpu::ParameterOut<T> running_var,
                      MathType<T>* mean_out, MathType<T>* invstd_out) {
  using A = MathType<T>;
  const A count = static_cast<A>(parts.count);
  for (int64_t c = blockIdx.x; c < l.channels; c += gridDim.x) {
    const auto [mean, squares] = moments != nullptr ? join(parts, moments + c * parts.number)
                                                    : moments_of(l, c, 0, parts.count, x);
    const A invstd = A(1) / math::sqrt(squares / count + eps);
    const A scale = invstd * gamma.get(c, A(1)), shift = beta.get(c, A(0));
    for_channel(l, c, parts.begin(), parts.end(), [&, mean = mean](int64_t at) {
      out[at] = static_cast<T>((static_cast<A>(x[at]) - mean) * scale + shift);
    });
    if (threadIdx.x != 0 || blockIdx.y != 0) continue;  // reductions begin with a barrier
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
    batch_norm_eval_kernel(ChannelLayout l, Parts parts, MathType<T> eps, const T* x, T* out,
                           gpu::Parameter<T> gamma, gpu::Parameter<T> beta, gpu::Parameter<T> means,
                           gpu::Parameter<T> vars) {
  using A = MathType<T>;
  for (int64_t c = blockIdx.x; c < l.channels; c += gridDim.x) {
    const A mean = means.get(c, A(0)), invstd = A(1) / math::sqrt(vars.get(c, A(1)) + eps);
    const A scale = invstd * gamma.get(c, A(1)), shift = beta.get(c, A(0));
    for_channel(l, c, parts.begin(), parts.end(), [&](int64_t at) {
      out[at] = static_cast<T>((static_cast<A>(x[at]) - mean) * scale + shift);
    });
  }
}

// The sums over gradients g: of g, and of g (x - mean).
template <class A> struct GradientSums { A sum, dot; };
template <class T>
__device__ GradientSums<MathType<T>> gradient_sums(const ChannelLayout& l, int64_t c, int64_t begin,
                                                   int64_t end, const T* g, const T* x,
                                                   MathType<T> mean) {
  using A = MathType<T>;
  A sum = 0, dot = 0;
  for_channel(l, c, begin, end, [&](int64_t at) {
    const A gradient = static_cast<A>(g[at]);
    sum += gradient;
    dot += gradient * (static_cast<A>(x[at]) - mean);
  });
  sum = gpu::block_reduce(sum, A(0), gpu::Sum{});
  return {sum, gpu::block_reduce(dot, A(0), gpu::Sum{})};
}

// sums (channels, parts)
template <class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_sums_kernel(ChannelLayout l, Parts parts, const T* g, const T* x,
                           const MathType<T>* means, GradientSums<MathType<T>>* sums) {
  for (int64_t c = blockIdx.x; c < l.channels; c += gridDim.x) {
    const auto part = gradient_sums(l, c, parts.begin(), parts.end(), g, x, means[c]);
    if (threadIdx.x == 0) sums[c * parts.number + blockIdx.y] = part;
  }
}

// sums: those of the parts; null where a block has the whole channel.
template <class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_backward_kernel(ChannelLayout l, Parts parts, const GradientSums<MathType<T>>* sums,
                               bool training, const T* g, const T* x, T* dx,
                               gpu::Parameter<T> gamma, const MathType<T>* means,
                               const MathType<T>* invstds, gpu::ParameterOut<T> dgamma,
                               gpu::ParameterOut<T> dbeta) {
  using A = MathType<T>;
  const A pull = training ? A(1) / static_cast<A>(parts.count) : A(0);
  for (int64_t c = blockIdx.x; c < l.channels; c += gridDim.x) {
    const A mean = means[c], invstd = invstds[c];
    A sum = 0, dot = 0;
    if (sums == nullptr) {
      const auto all = gradient_sums(l, c, 0, parts.count, g, x, mean);
      sum = all.sum, dot = all.dot;
    } else {
      for (int p = 0; p < parts.number; ++p) {
        sum += sums[c * parts.number + p].sum;
        dot += sums[c * parts.number + p].dot;
      }
    }
    dot *= invstd;
    const A scale = invstd * gamma.get(c, A(1));
    if (dx != nullptr) {
      for_channel(l, c, parts.begin(), parts.end(), [&](int64_t at) {
        const A xhat = (static_cast<A>(x[at]) - mean) * invstd;
        dx[at] = static_cast<T>(scale * (static_cast<A>(g[at]) - pull * (sum + xhat * dot)));
      });
    }
    if (threadIdx.x != 0 || blockIdx.y != 0) continue;
    dgamma.set(c, dot);
    dbeta.set(c, sum);
  }
}

template <class T> T* data_or_null(const Tensor& t) {
  return t.defined() ? static_cast<T*>(t.raw_data()) : nullptr;
}

dim3 grid_of(const ChannelLayout& l, const Parts& parts) {
  return {gpu::grid_for(l.channels, 1), static_cast<unsigned>(parts.number)};
}
// One number of each part of each channel, or none where a channel has one part.
template <class S>
gpu::DeviceScratch<S> scratch_for(Device device, const ChannelLayout& l, const Parts& parts) {
  return {device, parts.number > 1 ? l.channels * parts.number : 0};
}

template <class T> void training(const BatchNorm& a) {
  using A = MathType<T>;
  const ChannelLayout l = channel_layout(a.x);
  if (l.channels == 0) return;
  const Parts parts = parts_of(l);
  const cuda::OnDevice stream(a.device());
  const auto moments = scratch_for<Moments<A>>(a.device(), l, parts);
  if (parts.number > 1) {
    gpu::launch(batch_norm_moments_kernel<T>, grid_of(l, parts), kThreads, 0, stream, l, parts,
                data_or_null<T>(a.x), moments.data());
  }
  gpu::launch(batch_norm_kernel<T>, grid_of(l, parts), kThreads, 0, stream, l, parts,
              moments.data(), static_cast<A>(a.momentum), static_cast<A>(a.eps),
              data_or_null<T>(a.x), data_or_null<T>(a.out), gpu::parameter<T>(a.gamma),
              gpu::parameter<T>(a.beta), gpu::parameter_out<T>(a.running_mean),
              gpu::parameter_out<T>(a.running_var), data_or_null<A>(a.mean),
              data_or_null<A>(a.invstd));
}
template <class T> void evaluation(const BatchNormEval& a) {
  const ChannelLayout l = channel_layout(a.x);
  if (a.x.numel() == 0) return;
  const Parts parts = parts_of(l);
  const cuda::OnDevice stream(a.device());
  gpu::launch(batch_norm_eval_kernel<T>, grid_of(l, parts), kThreads, 0, stream, l, parts,
              static_cast<MathType<T>>(a.eps), data_or_null<T>(a.x), data_or_null<T>(a.out),
              gpu::parameter<T>(a.gamma), gpu::parameter<T>(a.beta), gpu::parameter<T>(a.mean),
              gpu::parameter<T>(a.var));
}
template <class T> void backward(const BatchNormBackward& a) {
  using A = MathType<T>;
  const ChannelLayout l = channel_layout(a.x);
  if (l.channels == 0) return;
  const Parts parts = parts_of(l);
  const cuda::OnDevice stream(a.device());
  const auto sums = scratch_for<GradientSums<A>>(a.device(), l, parts);
  if (parts.number > 1) {
    gpu::launch(batch_norm_sums_kernel<T>, grid_of(l, parts), kThreads, 0, stream, l, parts,
                data_or_null<T>(a.g), data_or_null<T>(a.x), data_or_null<A>(a.mean), sums.data());
  }
  gpu::launch(batch_norm_backward_kernel<T>, grid_of(l, parts), kThreads, 0, stream, l, parts,
              sums.data(), a.training, data_or_null<T>(a.g), data_or_null<T>(a.x),
              data_or_null<T>(a.dx), gpu::parameter<T>(a.gamma), data_or_null<A>(a.mean),
              data_or_null<A>(a.invstd), gpu::parameter_out<T>(a.dgamma),
              gpu::parameter_out<T>(a.dbeta));
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
