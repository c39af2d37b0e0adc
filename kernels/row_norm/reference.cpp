// The truth for row_norm: two passes over each row for its statistics, in double.
#include <cmath>

#include "kernels/elementwise/domain.h"
#include "kernels/reference_io.h"
#include "kernels/row_norm/row_norm.h"

namespace iolaus {
namespace {

double load(const Tensor& t, int64_t at, double otherwise) {
  return t.defined() ? load_real(t.raw_data(), t.dtype(), at) : otherwise;
}
void store(const Tensor& t, int64_t at, double value) {
  if (t.defined()) store_real(t.raw_data(), t.dtype(), at, value);
}

void forward(const RowNorm& a) {
  const auto count = static_cast<double>(a.columns);
  for (int64_t r = 0; r < a.rows(); ++r) {
    const int64_t row = r * a.columns;
    const auto s = [&](int64_t i) { return load(a.x, row + i, 0) + load(a.residual, row + i, 0); };
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < a.columns && a.centered(); ++i) mean += s(i) / count;
    for (int64_t i = 0; i < a.columns; ++i) squares += (s(i) - mean) * (s(i) - mean);
    const double rstd = 1 / std::sqrt(squares / count + a.eps);
    store(a.mean, r, mean);
    store(a.rstd, r, rstd);
    for (int64_t i = 0; i < a.columns; ++i) {
      store(a.sum, row + i, s(i));
      store(a.out, row + i, (s(i) - mean) * rstd * load(a.gamma, i, 1) + load(a.beta, i, 0));
    }
  }
}

void backward(const RowNormBackward& a) {
  const auto count = static_cast<double>(a.columns);
  std::vector<double> dgamma(static_cast<size_t>(a.columns), 0.0), dbeta(dgamma);
  for (int64_t r = 0; r < a.rows(); ++r) {
    const int64_t row = r * a.columns;
    const double mean = load(a.mean, r, 0), rstd = load(a.rstd, r, 0);
    const auto xhat = [&](int64_t i) { return (load(a.s, row + i, 0) - mean) * rstd; };
    double sum = 0, dot = 0;
    for (int64_t i = 0; i < a.columns; ++i) {
      const double g = load(a.g, row + i, 0), h = g * load(a.gamma, i, 1);
      sum += h, dot += h * xhat(i);
      dgamma[static_cast<size_t>(i)] += g * xhat(i), dbeta[static_cast<size_t>(i)] += g;
    }
    for (int64_t i = 0; i < a.columns; ++i) {
      const double h = load(a.g, row + i, 0) * load(a.gamma, i, 1);
      const double pull = a.centered() ? sum / count : 0;
      store(a.dx, row + i, load(a.gs, row + i, 0) + rstd * (h - pull - xhat(i) * dot / count));
    }
  }
  for (int64_t i = 0; i < a.columns; ++i) {
    store(a.dgamma, i, dgamma[static_cast<size_t>(i)]);
    store(a.dbeta, i, dbeta[static_cast<size_t>(i)]);
  }
}

bool add_all() {
  for (const RowNormKind kind : kRowNormKinds) {
    row_norm_kernels(kind).add({"reference", kCPU, dtypes_of(FloatTypes{}), forward});
    row_norm_backward_kernels(kind).add({"reference", kCPU, dtypes_of(FloatTypes{}), backward});
  }
  return true;
}
const bool kRegistered = add_all();

}  // namespace
}  // namespace iolaus
