// The truth for layer_norm: two passes over each row for its statistics, in double.
#include <cmath>

#include "kernels/layer_norm/layer_norm.h"

namespace iolaus {
namespace {

double load(const Tensor& t, int64_t at) {
  double value = 0;
  visit_dtype(FloatTypes{}, "layer_norm", t.dtype(), [&]<class T>() {
    value = static_cast<double>(static_cast<MathType<T>>(static_cast<const T*>(t.raw_data())[at]));
  });
  return value;
}
double load_or(const Tensor& t, int64_t at, double otherwise) {
  return t.defined() ? load(t, at) : otherwise;
}
void store(const Tensor& t, int64_t at, double value) {
  if (!t.defined()) return;
  visit_dtype(FloatTypes{}, "layer_norm", t.dtype(), [&]<class T>() {
    static_cast<T*>(t.raw_data())[at] = static_cast<T>(static_cast<MathType<T>>(value));
  });
}

void forward(const LayerNorm& a) {
  const auto count = static_cast<double>(a.columns);
  for (int64_t r = 0; r < a.rows(); ++r) {
    const int64_t row = r * a.columns;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < a.columns; ++i) sum += load(a.x, row + i);
    const double mean = sum / count;
    for (int64_t i = 0; i < a.columns; ++i) {
      const double d = load(a.x, row + i) - mean;
      squares += d * d;
    }
    const double rstd = 1 / std::sqrt(squares / count + a.eps);
    store(a.mean, r, mean);
    store(a.rstd, r, rstd);
    for (int64_t i = 0; i < a.columns; ++i) {
      const double xhat = (load(a.x, row + i) - mean) * rstd;
      store(a.out, row + i, xhat * load_or(a.gamma, i, 1) + load_or(a.beta, i, 0));
    }
  }
}

void backward(const LayerNormBackward& a) {
  const auto count = static_cast<double>(a.columns);
  std::vector<double> dgamma(static_cast<size_t>(a.columns), 0.0), dbeta(dgamma);
  for (int64_t r = 0; r < a.rows(); ++r) {
    const double mean = load(a.mean, r), rstd = load(a.rstd, r);
    double sum = 0, dot = 0;
    for (int64_t i = 0; i < a.columns; ++i) {
      const double g = load(a.g, r * a.columns + i);
      const double xhat = (load(a.x, r * a.columns + i) - mean) * rstd;
      const double h = g * load_or(a.gamma, i, 1);
      sum += h, dot += h * xhat;
      dgamma[static_cast<size_t>(i)] += g * xhat, dbeta[static_cast<size_t>(i)] += g;
    }
    for (int64_t i = 0; i < a.columns; ++i) {
      const double h = load(a.g, r * a.columns + i) * load_or(a.gamma, i, 1);
      const double xhat = (load(a.x, r * a.columns + i) - mean) * rstd;
      store(a.dx, r * a.columns + i, rstd * (h - sum / count - xhat * dot / count));
    }
  }
  for (int64_t i = 0; i < a.columns; ++i) {
    store(a.dgamma, i, dgamma[static_cast<size_t>(i)]);
    store(a.dbeta, i, dbeta[static_cast<size_t>(i)]);
  }
}

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kForward = layer_norm_kernels().add({"reference", kCPU, kFloats, forward});
const bool kBackward = layer_norm_backward_kernels().add({"reference", kCPU, kFloats, backward});

}  // namespace
}  // namespace iolaus
