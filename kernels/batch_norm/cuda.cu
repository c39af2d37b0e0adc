// batch_norm on CUDA, in any dense layout. A block takes a channel, or 32 of them where
// neighbouring elements belong to neighbouring channels; where that is too little to fill a GPU,
// blocks share channels: a first kernel finds the sums of each part, and each block of the second
// joins them and writes its own part. Training reads x twice for the statistics (mean first, then
// squares around it: no cancellation) and once more to normalise; backward reads g and x twice. The
// later reads come from the cache where a part fits. Parts depend on the sizes alone and are joined
// in order: deterministic. Joining of variances: Chan, Golub and LeVeque (1979).
#include "kernels/batch_norm/team.cuh"
#include "kernels/elementwise/domain.h"
#include "kernels/norm_io.cuh"

namespace iolaus {
namespace {

using gpu::has_columns;
using gpu::NormPlan;
using gpu::Parts;
using gpu::Team;

constexpr int kThreads = gpu::kNormThreads;

template <class A> struct Moments {
  A mean, squares;  // squares: the sum of (x - mean)^2
};
// Of elements [begin, end) of channel c; all threads of the block take part.
template <bool kColumns, class T>
__device__ Moments<MathType<T>> moments_of(const Team<kColumns>& team, int64_t c, int64_t begin,
                                           int64_t end, const T* x) {
  using A = MathType<T>;
  A sum = 0, squares = 0;
  team.for_each(c, begin, end, [&](int64_t at) { sum += static_cast<A>(x[at]); });
  const A mean = team.sum(sum) / static_cast<A>(end - begin);
  team.for_each(c, begin, end, [&](int64_t at) {
    const A d = static_cast<A>(x[at]) - mean;
    squares += d * d;
  });
  return {mean, team.sum(squares)};
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
template <bool kColumns, class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_moments_kernel(NormPlan p, const T* x, Moments<MathType<T>>* moments) {
  const Team<kColumns> team{p};
  for (int64_t t = blockIdx.x; t < p.teams; t += gridDim.x) {
    const int64_t c = team.channel(t);
    const auto part = moments_of(team, c, p.parts.begin(), p.parts.end(), x);
    if (team.leads() && c < p.l.channels) moments[c * p.parts.number + blockIdx.y] = part;
  }
}

// moments: those of the parts; null where a block has the whole channel.
template <bool kColumns, class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_kernel(NormPlan p, const Moments<MathType<T>>* moments, MathType<T> momentum,
                      MathType<T> eps, const T* x, T* out, gpu::Parameter<T> gamma,
                      gpu::Parameter<T> beta, gpu::ParameterOut<T> running_mean,
                      gpu::ParameterOut<T> running_var, MathType<T>* mean_out,
                      MathType<T>* invstd_out) {
  using A = MathType<T>;
  const Team<kColumns> team{p};
  const A count = static_cast<A>(p.parts.count);
  for (int64_t t = blockIdx.x; t < p.teams; t += gridDim.x) {
    const int64_t c = team.channel(t);
    Moments<A> all{};
    if (moments == nullptr) {
      all = moments_of(team, c, 0, p.parts.count, x);
    } else if (c < p.l.channels) {
      all = join(p.parts, moments + c * p.parts.number);
    }
    if (c >= p.l.channels) continue;  // a column beyond the last
    const A mean = all.mean, invstd = A(1) / math::sqrt(all.squares / count + eps);
    const A scale = invstd * gamma.get(c, A(1)), shift = beta.get(c, A(0));
    team.for_each(c, p.parts.begin(), p.parts.end(), [&](int64_t at) {
      out[at] = static_cast<T>((static_cast<A>(x[at]) - mean) * scale + shift);
    });
    if (!team.leads() || blockIdx.y != 0) continue;  // reductions begin with a barrier
    mean_out[c] = mean;
    invstd_out[c] = invstd;
    if (running_mean.data != nullptr) {
      running_mean.set(c, (A(1) - momentum) * running_mean.get(c) + momentum * mean);
    }
    if (running_var.data != nullptr) {
      const A unbiased = all.squares / (count - A(1));
      running_var.set(c, (A(1) - momentum) * running_var.get(c) + momentum * unbiased);
    }
  }
}

template <bool kColumns, class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_eval_kernel(NormPlan p, MathType<T> eps, const T* x, T* out, gpu::Parameter<T> gamma,
                           gpu::Parameter<T> beta, gpu::Parameter<T> means,
                           gpu::Parameter<T> vars) {
  using A = MathType<T>;
  const Team<kColumns> team{p};
  for (int64_t t = blockIdx.x; t < p.teams; t += gridDim.x) {
    const int64_t c = team.channel(t);
    if (c >= p.l.channels) continue;
    const A mean = means.get(c, A(0)), invstd = A(1) / math::sqrt(vars.get(c, A(1)) + eps);
    const A scale = invstd * gamma.get(c, A(1)), shift = beta.get(c, A(0));
    team.for_each(c, p.parts.begin(), p.parts.end(), [&](int64_t at) {
      out[at] = static_cast<T>((static_cast<A>(x[at]) - mean) * scale + shift);
    });
  }
}

// The sums over gradients g: of g, and of g (x - mean).
template <class A> struct GradientSums { A sum, dot; };
template <bool kColumns, class T>
__device__ GradientSums<MathType<T>> gradient_sums(const Team<kColumns>& team, int64_t c,
                                                   int64_t begin, int64_t end, const T* g,
                                                   const T* x, MathType<T> mean) {
  using A = MathType<T>;
  A sum = 0, dot = 0;
  team.for_each(c, begin, end, [&](int64_t at) {
    const A gradient = static_cast<A>(g[at]);
    sum += gradient;
    dot += gradient * (static_cast<A>(x[at]) - mean);
  });
  sum = team.sum(sum);
  return {sum, team.sum(dot)};
}

// sums (channels, parts)
template <bool kColumns, class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_sums_kernel(NormPlan p, const T* g, const T* x, const MathType<T>* means,
                           GradientSums<MathType<T>>* sums) {
  const Team<kColumns> team{p};
  for (int64_t t = blockIdx.x; t < p.teams; t += gridDim.x) {
    const int64_t c = team.channel(t);
    const bool exists = c < p.l.channels;
    const auto part = gradient_sums(team, c, p.parts.begin(), p.parts.end(), g, x,
                                    exists ? means[c] : MathType<T>(0));
    if (team.leads() && exists) sums[c * p.parts.number + blockIdx.y] = part;
  }
}

// sums: those of the parts; null where a block has the whole channel.
template <bool kColumns, class T>
__global__ void __launch_bounds__(kThreads)
    batch_norm_backward_kernel(NormPlan p, const GradientSums<MathType<T>>* sums, bool training,
                               const T* g, const T* x, T* dx, gpu::Parameter<T> gamma,
                               const MathType<T>* means, const MathType<T>* invstds,
                               gpu::ParameterOut<T> dgamma, gpu::ParameterOut<T> dbeta) {
  using A = MathType<T>;
  const Team<kColumns> team{p};
  const A pull = training ? A(1) / static_cast<A>(p.parts.count) : A(0);
  for (int64_t t = blockIdx.x; t < p.teams; t += gridDim.x) {
    const int64_t c = team.channel(t);
    const bool exists = c < p.l.channels;
    const A mean = exists ? means[c] : A(0), invstd = exists ? invstds[c] : A(0);
    GradientSums<A> all{};
    if (sums == nullptr) {
      all = gradient_sums(team, c, 0, p.parts.count, g, x, mean);
    } else if (exists) {
      for (int part = 0; part < p.parts.number; ++part) {
        all.sum += sums[c * p.parts.number + part].sum;
        all.dot += sums[c * p.parts.number + part].dot;
      }
    }
    if (!exists) continue;
    const A sum = all.sum, dot = all.dot * invstd, scale = invstd * gamma.get(c, A(1));
    if (dx != nullptr) {
      team.for_each(c, p.parts.begin(), p.parts.end(), [&](int64_t at) {
        const A xhat = (static_cast<A>(x[at]) - mean) * invstd;
        dx[at] = static_cast<T>(scale * (static_cast<A>(g[at]) - pull * (sum + xhat * dot)));
      });
    }
    if (!team.leads() || blockIdx.y != 0) continue;
    dgamma.set(c, dot);
    dbeta.set(c, sum);
  }
}

template <class T> T* data_or_null(const Tensor& t) {
  return t.defined() ? static_cast<T*>(t.raw_data()) : nullptr;
}

dim3 grid_of(const NormPlan& p) {
  return {gpu::grid_for(p.teams), static_cast<unsigned>(p.parts.number)};
}
// One number of each part of each channel, or none where a channel has one part.
template <class S> gpu::DeviceScratch<S> scratch_for(Device device, const NormPlan& p) {
  return {device, p.parts.number > 1 ? p.l.channels * p.parts.number : 0};
}
template <class Fn> void visit_columns(const ChannelLayout& l, Fn&& fn) {
  has_columns(l) ? fn(std::true_type{}) : fn(std::false_type{});
}

template <class T> void training(const BatchNorm& a) {
  using A = MathType<T>;
  const ChannelLayout l = channel_layout(a.x);
  if (l.channels == 0) return;
  const NormPlan p = gpu::plan_of(l);
  const cuda::OnDevice stream(a.device());
  const auto moments = scratch_for<Moments<A>>(a.device(), p);
  visit_columns(l, [&]<bool kColumns>(std::bool_constant<kColumns>) {
    if (p.parts.number > 1) {
      gpu::launch(batch_norm_moments_kernel<kColumns, T>, grid_of(p), kThreads, 0, stream, p,
                  data_or_null<T>(a.x), moments.data());
    }
    gpu::launch(batch_norm_kernel<kColumns, T>, grid_of(p), kThreads, 0, stream, p, moments.data(),
                static_cast<A>(a.momentum), static_cast<A>(a.eps), data_or_null<T>(a.x),
                data_or_null<T>(a.out), gpu::parameter<T>(a.gamma), gpu::parameter<T>(a.beta),
                gpu::parameter_out<T>(a.running_mean), gpu::parameter_out<T>(a.running_var),
                data_or_null<A>(a.mean), data_or_null<A>(a.invstd));
  });
}
template <class T> void evaluation(const BatchNormEval& a) {
  const ChannelLayout l = channel_layout(a.x);
  if (a.x.numel() == 0) return;
  const NormPlan p = gpu::plan_of(l);
  const cuda::OnDevice stream(a.device());
  visit_columns(l, [&]<bool kColumns>(std::bool_constant<kColumns>) {
    gpu::launch(batch_norm_eval_kernel<kColumns, T>, grid_of(p), kThreads, 0, stream, p,
                static_cast<MathType<T>>(a.eps), data_or_null<T>(a.x), data_or_null<T>(a.out),
                gpu::parameter<T>(a.gamma), gpu::parameter<T>(a.beta), gpu::parameter<T>(a.mean),
                gpu::parameter<T>(a.var));
  });
}
template <class T> void backward(const BatchNormBackward& a) {
  using A = MathType<T>;
  const ChannelLayout l = channel_layout(a.x);
  if (l.channels == 0) return;
  const NormPlan p = gpu::plan_of(l);
  const cuda::OnDevice stream(a.device());
  const auto sums = scratch_for<GradientSums<A>>(a.device(), p);
  visit_columns(l, [&]<bool kColumns>(std::bool_constant<kColumns>) {
    if (p.parts.number > 1) {
      gpu::launch(batch_norm_sums_kernel<kColumns, T>, grid_of(p), kThreads, 0, stream, p,
                  data_or_null<T>(a.g), data_or_null<T>(a.x), data_or_null<A>(a.mean), sums.data());
    }
    gpu::launch(batch_norm_backward_kernel<kColumns, T>, grid_of(p), kThreads, 0, stream, p,
                sums.data(), a.training, data_or_null<T>(a.g), data_or_null<T>(a.x),
                data_or_null<T>(a.dx), gpu::parameter<T>(a.gamma), data_or_null<A>(a.mean),
                data_or_null<A>(a.invstd), gpu::parameter_out<T>(a.dgamma),
                gpu::parameter_out<T>(a.dbeta));
  });
}

template <class Args> const char* why_not(const Args& a) {
  const ChannelLayout l = channel_layout(a.x);
  if (!l.dense) return "x must be contiguous or channels-last";
  return l.batch * l.inner < (int64_t{1} << 31) ? nullptr : "channels must be below 2^31 elements";
}
const char* why_not_backward(const BatchNormBackward& a) {
  if (const char* reason = why_not(a)) return reason;
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
