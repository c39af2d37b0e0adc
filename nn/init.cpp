// Initialisation formulas.
#include "nn/init.h"

#include <cmath>

#include "autograd/grad_mode.h"
#include "autograd/ops/random.h"

namespace iolaus::nn {

Fans fans(const Tensor& weight) {
  IOLAUS_CHECK(weight.dim() >= 2, "[init] fan in and out need at least 2 dimensions, got {}",
               weight.sizes().str());
  int64_t window = 1;
  for (int64_t d = 2; d < weight.dim(); ++d) window *= weight.sizes()[d];
  return {weight.sizes()[1] * window, weight.sizes()[0] * window};
}

const Tensor& kaiming_uniform_(const Tensor& weight, double a) {
  const NoGrad no_grad;
  const double bound = std::sqrt(6 / (1 + a * a) / static_cast<double>(fans(weight).in));
  return uniform_(weight, -bound, bound);
}

const Tensor& kaiming_normal_(const Tensor& weight, double a) {
  const NoGrad no_grad;
  return normal_(weight, 0, std::sqrt(2 / (1 + a * a) / static_cast<double>(fans(weight).in)));
}

const Tensor& xavier_uniform_(const Tensor& weight, double gain) {
  const NoGrad no_grad;
  const Fans f = fans(weight);
  const double bound = gain * std::sqrt(6 / static_cast<double>(f.in + f.out));
  return uniform_(weight, -bound, bound);
}

const Tensor& xavier_normal_(const Tensor& weight, double gain) {
  const NoGrad no_grad;
  const Fans f = fans(weight);
  return normal_(weight, 0, gain * std::sqrt(2 / static_cast<double>(f.in + f.out)));
}

void reset_weight_and_bias(const Tensor& weight, const Tensor& bias) {
  const NoGrad no_grad;
  if (weight.numel() == 0) return;
  kaiming_uniform_(weight, std::sqrt(5.0));
  if (!bias.defined()) return;
  const double bound = 1 / std::sqrt(static_cast<double>(fans(weight).in));
  uniform_(bias, -bound, bound);
}

}  // namespace iolaus::nn
