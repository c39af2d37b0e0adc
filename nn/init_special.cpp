// Initialisations that need more than a draw: cut normal numbers, orthogonal matrices, identities.
#include <cmath>
#include <numbers>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "autograd/ops/linalg.h"
#include "nn/init.h"

namespace iolaus::nn {
namespace {

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
// Its inverse by Newton's method, which from 0 goes towards the solution and never beyond.
double normal_quantile(double p) {
  double x = 0;
  for (int i = 0; i < 100; ++i) {
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
    if (density == 0) break;
    const double step = (p - normal_cdf(x)) / density;
    x += step;
    if (std::abs(step) <= 1e-12 * std::abs(x)) break;
  }
  return x;
}

void check_matrix(const char* init, const Tensor& weight) {
  IOLAUS_CHECK(weight.dim() == 2, "[{}] expected a matrix, got {}", init, weight.describe());
}

}  // namespace

const Tensor& constant_(const Tensor& weight, double value) {
  const NoGrad no_grad;
  return fill_(weight, value);
}

const Tensor& trunc_normal_(const Tensor& weight, double mean, double std, double low,
                            double high) {
  IOLAUS_CHECK(std > 0 && low < high,
               "[trunc_normal_] expected std > 0 and low < high, got {}, {} "
               "and {}",
               std, low, high);
  const NoGrad no_grad;
  const double p = normal_cdf((low - mean) / std), q = normal_cdf((high - mean) / std);
  const Tensor x = empty(weight.sizes(), {.dtype = kFloat64});
  uniform_(x, p, q);
  double* values = x.data<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    values[i] = std::clamp(mean + std * normal_quantile(values[i]), low, high);
  }
  return copy_(weight, x);
}

const Tensor& orthogonal_(const Tensor& weight, double gain) {
  IOLAUS_CHECK(weight.dim() >= 2, "[orthogonal_] expected at least 2 dimensions, got {}",
               weight.describe());
  const NoGrad no_grad;
  if (weight.numel() == 0) return weight;
  const int64_t rows = weight.size(0), columns = weight.numel() / rows;
  const Tensor draw =
      randn({std::max(rows, columns), std::min(rows, columns)}, {.dtype = kFloat64});
  const auto [q, r] = qr(draw);
  // With the signs of r's diagonal all orthogonal matrices are equally likely.
  const Tensor even = mul(q, unsqueeze(sign(diagonal(r)), 0));
  const Tensor matrix = rows < columns ? transpose(even, 0, 1) : even;
  return copy_(weight, reshape(mul(matrix, gain), weight.sizes()));
}

const Tensor& sparse_(const Tensor& weight, double sparsity, double std) {
  check_matrix("sparse_", weight);
  IOLAUS_CHECK(sparsity >= 0 && sparsity <= 1, "[sparse_] expected sparsity in [0, 1], got {}",
               sparsity);
  const NoGrad no_grad;
  const int64_t rows = weight.size(0), columns = weight.size(1);
  const auto zeros_count = static_cast<int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  const Tensor x = empty({rows, columns}, {.dtype = kFloat64});
  normal_(x, 0, std);
  for (int64_t c = 0; c < columns; ++c) {
    const auto order = randperm(rows).to_vector<int64_t>();
    for (int64_t i = 0; i < zeros_count; ++i) {
      x.data<double>()[order[static_cast<size_t>(i)] * columns + c] = 0;
    }
  }
  return copy_(weight, x);
}

const Tensor& eye_(const Tensor& weight) {
  check_matrix("eye_", weight);
  const NoGrad no_grad;
  return copy_(weight, eye(weight.size(0), weight.size(1)));
}

const Tensor& dirac_(const Tensor& weight, int64_t groups) {
  IOLAUS_CHECK(weight.dim() >= 3 && weight.dim() <= 5 && groups > 0 && weight.size(0) % groups == 0,
               "[dirac_] expected the weight of a convolution and groups that divide its outputs, "
               "got {} and {}",
               weight.describe(), groups);
  const NoGrad no_grad;
  zero_(weight);
  const int64_t outputs = weight.size(0) / groups;
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t i = 0; i < std::min(outputs, weight.size(1)); ++i) {
      Tensor place = select(select(weight, 0, g * outputs + i), 0, i);
      while (place.dim() > 0) place = select(place, 0, place.size(0) / 2);
      fill_(place, 1);
    }
  }
  return weight;
}

}  // namespace iolaus::nn
