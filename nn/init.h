// Initialisation of parameters in place, without gradients, with PyTorch's names and formulas.
#pragma once

#include "core/tensor.h"

namespace iolaus::nn {

/// fan_in and fan_out of a weight (out, in, window...). Errors: kInvalidArgument below 2
/// dimensions.
struct Fans {
  int64_t in, out;
};
Fans fans(const Tensor& weight);

/// U(-b, b), b = gain sqrt(3 / fan_in), gain = sqrt(2 / (1 + a^2)) for leaky ReLU of slope a.
/// (He et al. 2015) PyTorch's layers use a = sqrt(5): b = 1 / sqrt(fan_in).
const Tensor& kaiming_uniform_(const Tensor& weight, double a = 0);
/// N(0, s^2), s = gain / sqrt(fan_in).
const Tensor& kaiming_normal_(const Tensor& weight, double a = 0);
/// U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)). (Glorot and Bengio 2010)
const Tensor& xavier_uniform_(const Tensor& weight, double gain = 1);
/// N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)).
const Tensor& xavier_normal_(const Tensor& weight, double gain = 1);

/// What PyTorch's Linear and Conv layers do: weight by kaiming_uniform_(sqrt(5)), bias (may be
/// undefined) uniform within 1 / sqrt(fan_in).
void reset_weight_and_bias(const Tensor& weight, const Tensor& bias);

}  // namespace iolaus::nn
