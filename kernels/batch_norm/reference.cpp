// The truth for batch_norm: two passes over each channel for its statistics, in double.
#include <cmath>

#include "kernels/batch_norm/batch_norm.h"

namespace iolaus {
namespace {

double load(const Tensor& t, int64_t at) {
  double value = 0;
  visit_dtype(FloatTypes{}, "batch_norm", t.dtype(), [&]<class T>() {
    value = static_cast<double>(static_cast<MathType<T>>(static_cast<const T*>(t.raw_data())[at]));
  });
  return value;
}
double load_or(const Tensor& t, int64_t at, double otherwise) {
  return t.defined() ? load(t, at) : otherwise;
}
void store(const Tensor& t, int64_t at, double value) {
  if (!t.defined()) return;
  visit_dtype(FloatTypes{}, "batch_norm", t.dtype(), [&]<class T>() {
    static_cast<T*>(t.raw_data())[at] = static_cast<T>(static_cast<MathType<T>>(value));
  });
}

// Calls fn(offset) for every element of channel c.
template <class Fn> void for_channel(const ChannelLayout& l, int64_t c, Fn&& fn) {
  for (int64_t n = 0; n < l.batch; ++n) {
    for (int64_t i = 0; i < l.inner; ++i) {
      fn(n * l.batch_stride + c * l.channel_stride + i * l.inner_stride);
    }
  }
}

void normalise(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& out,
               int64_t c, double mean, double invstd) {
  const double scale = invstd * load_or(gamma, c, 1), shift = load_or(beta, c, 0);
  for_channel(channel_layout(x), c,
              [&](int64_t at) { store(out, at, (load(x, at) - mean) * scale + shift); });
}

void update(const Tensor& running, int64_t c, double momentum, double value) {
  if (running.defined()) {
    store(running, c, (1 - momentum) * load(running, c) + momentum * value);
  }
}

void training(const BatchNorm& a) {
  const ChannelLayout l = channel_layout(a.x);
  const auto count = static_cast<double>(l.batch * l.inner);
  for (int64_t c = 0; c < l.channels; ++c) {
    double sum = 0, squares = 0;
    for_channel(l, c, [&](int64_t at) { sum += load(a.x, at); });
    const double mean = sum / count;
    for_channel(l, c, [&](int64_t at) {
      const double d = load(a.x, at) - mean;
      squares += d * d;
    });
    const double invstd = 1 / std::sqrt(squares / count + a.eps);
    store(a.mean, c, mean);
    store(a.invstd, c, invstd);
    update(a.running_mean, c, a.momentum, mean);
    update(a.running_var, c, a.momentum, squares / (count - 1));
    normalise(a.x, a.gamma, a.beta, a.out, c, mean, invstd);
  }
}

void evaluation(const BatchNormEval& a) {
  for (int64_t c = 0; c < a.x.sizes()[1]; ++c) {
    const double invstd = 1 / std::sqrt(load(a.var, c) + a.eps);
    normalise(a.x, a.gamma, a.beta, a.out, c, load(a.mean, c), invstd);
  }
}

void backward(const BatchNormBackward& a) {
  const ChannelLayout l = channel_layout(a.x);
  const auto count = static_cast<double>(l.batch * l.inner);
  for (int64_t c = 0; c < l.channels; ++c) {
    const double mean = load(a.mean, c), invstd = load(a.invstd, c);
    double sum = 0, dot = 0;
    for_channel(l, c, [&](int64_t at) {
      sum += load(a.g, at);
      dot += load(a.g, at) * (load(a.x, at) - mean) * invstd;
    });
    store(a.dgamma, c, dot);
    store(a.dbeta, c, sum);
    const double scale = invstd * load_or(a.gamma, c, 1);
    const double pull = a.training ? 1 / count : 0;
    for_channel(l, c, [&](int64_t at) {
      const double xhat = (load(a.x, at) - mean) * invstd;
      store(a.dx, at, scale * (load(a.g, at) - pull * (sum + xhat * dot)));
    });
  }
}

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kTraining = batch_norm_kernels().add({"reference", kCPU, kFloats, training});
const bool kEvaluation = batch_norm_eval_kernels().add({"reference", kCPU, kFloats, evaluation});
const bool kBackward = batch_norm_backward_kernels().add({"reference", kCPU, kFloats, backward});

}  // namespace
}  // namespace iolaus
