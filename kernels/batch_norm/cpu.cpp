// batch_norm on the CPU. Contiguous: channels over the threads, each a set of dense rows (one an
// image), which is read for the sums and again for the result while it is in the cache.
// Channels-last, and (N, C): rows of channels, in blocks that depend on the shape only, whose sums
// are added in order. Either way the result does not depend on the number of threads. Sums run in
// the type that is computed in over about a thousand elements, a row or a block, then in double.
#include <cmath>

#include "kernels/batch_norm/channels.h"

namespace iolaus {
namespace {

using namespace channels;

template <class T> const T* data_of(const Tensor& t) { return static_cast<const T*>(t.raw_data()); }

// out = (x - mean[c]) * scale[c] + shift[c], with scale = invstd * gamma and shift = beta. Folding
// the mean into the shift would save a subtraction and lose digits where the mean is large.
template <class T>
void normalise(const Tensor& x, const Tensor& out, const double* mean, const double* invstd,
               const Tensor& gamma, const Tensor& beta) {
  using M = MathType<T>;
  const ChannelLayout l = channel_layout(x);
  const Parameters<M> weight(gamma, l.channels, M(1)), bias(beta, l.channels, M(0));
  Scratch<M> factors(2 * l.channels);
  M *scale = factors.data(), *center = scale + l.channels;
  for (int64_t c = 0; c < l.channels; ++c) {
    scale[c] = static_cast<M>(invstd[c] * static_cast<double>(weight[c]));
    center[c] = static_cast<M>(mean[c]);
  }
  const M* shift = bias.data();
  const T* __restrict from = data_of<T>(x);
  T* __restrict to = static_cast<T*>(out.raw_data());
  for_elements(l, [=](int64_t at, int64_t c) {
    to[at] = static_cast<T>((M(from[at]) - center[c]) * scale[c] + shift[c]);
  });
}

void update(const Tensor& running, int64_t channels, double momentum, const double* batch,
            double factor) {
  if (!running.defined()) return;
  const Parameters<double> old(running, channels, 0);
  Scratch<double> updated(channels);
  for (int64_t c = 0; c < channels; ++c) {
    updated[c] = (1 - momentum) * old[c] + momentum * batch[c] * factor;
  }
  store_values(updated.data(), channels, running);
}

// mean[c] and var[c] of the batch, of a channels-last tensor.
template <class T>
void moments(const ChannelLayout& l, const T* x, double count, double* mean, double* var) {
  using M = MathType<T>;
  Scratch<M> center(l.channels);
  channel_sums<M, 1>(l, mean, [=](int64_t at, int64_t, int) { return M(x[at]); });
  for (int64_t c = 0; c < l.channels; ++c) center[c] = static_cast<M>(mean[c] /= count);
  const M* about = center.data();
  channel_sums<M, 1>(l, var, [=](int64_t at, int64_t c, int) {
    const M d = M(x[at]) - about[c];
    return d * d;
  });
  for (int64_t c = 0; c < l.channels; ++c) var[c] /= count;
}

template <class T> void training(const BatchNorm& a) {
  using M = MathType<T>;
  const ChannelLayout l = channel_layout(a.x);
  const T* __restrict x = data_of<T>(a.x);
  const auto count = static_cast<double>(l.batch * l.inner);
  Scratch<double> mean(l.channels), var(l.channels), invstd(l.channels);
  const auto invert = [&](int64_t c) { return invstd[c] = 1 / std::sqrt(var[c] + a.eps); };
  if (is_channels_last(l)) {
    moments(l, x, count, mean.data(), var.data());
    for (int64_t c = 0; c < l.channels; ++c) invert(c);
    normalise<T>(a.x, a.out, mean.data(), invstd.data(), a.gamma, a.beta);
  } else {
    const Parameters<M> weight(a.gamma, l.channels, M(1)), bias(a.beta, l.channels, M(0));
    T* __restrict out = static_cast<T*>(a.out.raw_data());
    for_channels(l, [&](auto bytes, int64_t c) {
      constexpr int kBytes = decltype(bytes)::value;
      const auto value = [=]<class V>(V, int64_t at, int) { return load_as<V>(x + at); };
      channel_sum<M, kBytes, 1>(l, c, value, &mean[c]);
      const M center = static_cast<M>(mean[c] /= count);
      const auto square = [=]<class V>(V, int64_t at, int) {
        const V d = load_as<V>(x + at) - center;
        return d * d;
      };
      channel_sum<M, kBytes, 1>(l, c, square, &var[c]);
      var[c] /= count;
      const M scale = static_cast<M>(invert(c) * static_cast<double>(weight[c])), shift = bias[c];
      for_channel<M, kBytes>(l, c, [=]<class V>(V, int64_t at) {
        store_as<V>((load_as<V>(x + at) - center) * scale + shift, out + at);
      });
    });
  }
  store_values(mean.data(), l.channels, a.mean);
  store_values(invstd.data(), l.channels, a.invstd);
  update(a.running_mean, l.channels, a.momentum, mean.data(), 1);
  update(a.running_var, l.channels, a.momentum, var.data(), count / (count - 1));
}

template <class T> void evaluation(const BatchNormEval& a) {
  const int64_t channels = a.x.sizes()[1];
  const Parameters<double> mean(a.mean, channels, 0), var(a.var, channels, 1);
  Scratch<double> invstd(channels);
  for (int64_t c = 0; c < channels; ++c) invstd[c] = 1 / std::sqrt(var[c] + a.eps);
  normalise<T>(a.x, a.out, mean.data(), invstd.data(), a.gamma, a.beta);
}

template <class T> void backward(const BatchNormBackward& a) {
  using M = MathType<T>;
  const ChannelLayout l = channel_layout(a.x);
  const int64_t channels = l.channels;
  const T* __restrict g = data_of<T>(a.g), * __restrict x = data_of<T>(a.x);
  const Parameters<M> mean(a.mean, channels, M(0)), invstd(a.invstd, channels, M(0));
  const Parameters<M> gamma(a.gamma, channels, M(1));
  const M* about = mean.data();
  const auto count = static_cast<double>(l.batch * l.inner);
  const bool wants_sums = a.training || a.dgamma.defined() || a.dbeta.defined();
  Scratch<double> sums(2 * channels);
  double *dbeta = sums.data(), *dgamma = dbeta + channels;
  // dx = scale * (g - pull - (x - mean) * slope)
  T* __restrict dx = a.dx.defined() ? static_cast<T*>(a.dx.raw_data()) : nullptr;
  Scratch<M> factors(3 * channels);
  M *scale = factors.data(), *pull = scale + channels, *slope = pull + channels;
  const auto set_factors = [&](int64_t c) {
    scale[c] = invstd[c] * gamma[c];
    pull[c] = a.training ? static_cast<M>(dbeta[c] / count) : M(0);
    slope[c] = a.training ? static_cast<M>(dgamma[c] / count) * invstd[c] : M(0);
  };
  if (is_channels_last(l)) {
    if (wants_sums) {
      channel_sums<M, 2>(l, sums.data(), [=](int64_t at, int64_t c, int term) {
        return term == 0 ? M(g[at]) : M(g[at]) * (M(x[at]) - about[c]);
      });
      for (int64_t c = 0; c < channels; ++c) dgamma[c] *= static_cast<double>(invstd[c]);
    }
    if (dx != nullptr) {
      for (int64_t c = 0; c < channels; ++c) set_factors(c);
      for_elements(l, [=](int64_t at, int64_t c) {
        const M value = scale[c] * (M(g[at]) - pull[c] - (M(x[at]) - about[c]) * slope[c]);
        dx[at] = static_cast<T>(value);
      });
    }
  } else {
    for_channels(l, [&](auto bytes, int64_t c) {
      constexpr int kBytes = decltype(bytes)::value;
      const M center = about[c];
      if (wants_sums) {
        const auto terms = [=]<class V>(V, int64_t at, int term) {
          const V value = load_as<V>(g + at);
          return term == 0 ? value : value * (load_as<V>(x + at) - center);
        };
        double totals[2];
        channel_sum<M, kBytes, 2>(l, c, terms, totals);
        dbeta[c] = totals[0], dgamma[c] = totals[1] * static_cast<double>(invstd[c]);
      }
      if (dx == nullptr) return;
      set_factors(c);
      const M by = scale[c], less = pull[c], along = slope[c];
      for_channel<M, kBytes>(l, c, [=]<class V>(V, int64_t at) {
        const V pulled = load_as<V>(g + at) - less;
        store_as<V>(by * (pulled - (load_as<V>(x + at) - center) * along), dx + at);
      });
    });
  }
  if (!wants_sums) return;
  store_values(dbeta, channels, a.dbeta);
  store_values(dgamma, channels, a.dgamma);
}

const char* why_not(const Tensor& x) {
  return channel_layout(x).dense ? nullptr : "expected a contiguous or channels-last tensor";
}
const char* training_why_not(const BatchNorm& a) { return why_not(a.x); }
const char* evaluation_why_not(const BatchNormEval& a) { return why_not(a.x); }
const char* backward_why_not(const BatchNormBackward& a) { return why_not(a.x); }

void run_training(const BatchNorm& a) {
  if (a.x.numel() == 0) return;
  visit_dtype(FloatTypes{}, "batch_norm", a.dtype(), [&]<class T>() { training<T>(a); });
}
void run_evaluation(const BatchNormEval& a) {
  if (a.x.numel() == 0) return;
  visit_dtype(FloatTypes{}, "batch_norm", a.dtype(), [&]<class T>() { evaluation<T>(a); });
}
void run_backward(const BatchNormBackward& a) {
  if (a.x.numel() == 0) {
    const Parameters<float> zeros({}, a.x.sizes()[1], 0);
    store_values(zeros.data(), a.x.sizes()[1], a.dgamma);
    store_values(zeros.data(), a.x.sizes()[1], a.dbeta);
    return;
  }
  visit_dtype(FloatTypes{}, "batch_norm", a.dtype(), [&]<class T>() { backward<T>(a); });
}

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kTraining =
    batch_norm_kernels().add({"cpu", kCPU, kFloats, run_training, 1, training_why_not});
const bool kEvaluation =
    batch_norm_eval_kernels().add({"cpu", kCPU, kFloats, run_evaluation, 1, evaluation_why_not});
const bool kBackward =
    batch_norm_backward_kernels().add({"cpu", kCPU, kFloats, run_backward, 1, backward_why_not});

}  // namespace
}  // namespace iolaus
