// The truth for group_norm: two passes over each group for its statistics, in double.
#include <cmath>

#include "kernels/elementwise/domain.h"
#include "kernels/group_norm/group_norm.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

double load(const Tensor& t, int64_t at, double otherwise = 0) {
  return t.defined() ? load_real(t.raw_data(), t.dtype(), at) : otherwise;
}
void store(const Tensor& t, int64_t at, double value) {
  if (t.defined()) store_real(t.raw_data(), t.dtype(), at, value);
}

void forward(const GroupNorm& a) {
  const GroupShape s = group_shape(a.x, a.groups);
  const auto count = static_cast<double>(s.columns);
  for (int64_t r = 0; r < s.rows; ++r) {
    const int64_t begin = r * s.columns, end = begin + s.columns;
    double mean = 0, squares = 0;
    for (int64_t e = begin; e < end; ++e) mean += load(a.x, e) / count;
    for (int64_t e = begin; e < end; ++e) squares += std::pow(load(a.x, e) - mean, 2);
    const double rstd = 1 / std::sqrt(squares / count + a.eps);
    store(a.mean, r, mean);
    store(a.rstd, r, rstd);
    for (int64_t e = begin; e < end; ++e) {
      const int64_t c = e / s.inner % s.channels;
      store(a.out, e, (load(a.x, e) - mean) * rstd * load(a.gamma, c, 1) + load(a.beta, c));
    }
  }
}

void backward(const GroupNormBackward& a) {
  const GroupShape s = group_shape(a.x, a.groups);
  const auto count = static_cast<double>(s.columns);
  std::vector<double> dgamma(static_cast<size_t>(s.channels), 0.0), dbeta(dgamma);
  for (int64_t r = 0; r < s.rows; ++r) {
    const int64_t begin = r * s.columns, end = begin + s.columns;
    const double mean = load(a.mean, r), rstd = load(a.rstd, r);
    double sum = 0, dot = 0;
    for (int64_t e = begin; e < end; ++e) {
      const int64_t c = e / s.inner % s.channels;
      const double g = load(a.g, e), xhat = (load(a.x, e) - mean) * rstd;
      const double h = g * load(a.gamma, c, 1);
      sum += h, dot += h * xhat;
      dgamma[static_cast<size_t>(c)] += g * xhat, dbeta[static_cast<size_t>(c)] += g;
    }
    for (int64_t e = begin; e < end; ++e) {
      const double h = load(a.g, e) * load(a.gamma, e / s.inner % s.channels, 1);
      const double xhat = (load(a.x, e) - mean) * rstd;
      store(a.dx, e, rstd * (h - sum / count - xhat * dot / count));
    }
  }
  for (int64_t c = 0; c < s.channels; ++c) {
    store(a.dgamma, c, dgamma[static_cast<size_t>(c)]);
    store(a.dbeta, c, dbeta[static_cast<size_t>(c)]);
  }
}

const bool kForward =
    group_norm_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), forward});
const bool kBackward =
    group_norm_backward_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), backward});

}  // namespace
}  // namespace iolaus
