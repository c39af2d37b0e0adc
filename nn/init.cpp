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

double calculate_gain(const std::string& nonlinearity, double param) {
  if (nonlinearity == "linear" || nonlinearity == "sigmoid") return 1;
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") return std::sqrt(2 / (1 + param * param));
  if (nonlinearity == "selu") return 0.75;
  fail(ErrorCode::kInvalidArgument, "[calculate_gain] there is no nonlinearity '{}'", nonlinearity);
}

namespace {

double kaiming_deviation(const Tensor& weight, const KaimingOptions& o) {
  const Fans f = fans(weight);
  const int64_t fan = o.mode == FanMode::kIn ? f.in : f.out;
  return calculate_gain(o.nonlinearity, o.a) / std::sqrt(static_cast<double>(fan));
}

}  // namespace

const Tensor& kaiming_uniform_(const Tensor& weight, const KaimingOptions& options) {
  const NoGrad no_grad;
  const double bound = std::sqrt(3.0) * kaiming_deviation(weight, options);
  return uniform_(weight, -bound, bound);
}

const Tensor& kaiming_normal_(const Tensor& weight, const KaimingOptions& options) {
  const NoGrad no_grad;
  return normal_(weight, 0, kaiming_deviation(weight, options));
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
  kaiming_uniform_(weight, {.a = std::sqrt(5.0)});
  if (!bias.defined()) return;
  const double bound = 1 / std::sqrt(static_cast<double>(fans(weight).in));
  uniform_(bias, -bound, bound);
}

}  // namespace iolaus::nn
