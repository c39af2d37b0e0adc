// Initialisation of parameters in place, without gradients, with PyTorch's names and formulas.
#pragma once

#include <string>

#include "core/tensor.h"

namespace iolaus::nn {

/// fan_in and fan_out of a weight (out, in, window...). Errors: kInvalidArgument below 2
/// dimensions.
struct Fans {
  int64_t in, out;
};
Fans fans(const Tensor& weight);

/// How much a layer before a function grows, so that variances stay: "linear", "sigmoid", "tanh"
/// (5/3), "relu" (sqrt 2), "leaky_relu" (sqrt(2 / (1 + param^2))), "selu" (3/4).
/// Errors: kInvalidArgument for other names.
double calculate_gain(const std::string& nonlinearity, double param = 0.01);

enum class FanMode { kIn, kOut };
struct KaimingOptions {
  double a = 0;  // the slope of leaky_relu; PyTorch's layers use sqrt(5): b = 1 / sqrt(fan_in)
  FanMode mode = FanMode::kIn;
  std::string nonlinearity = "leaky_relu";
};
// All return the tensor. Errors: kInvalidArgument for shapes that do not fit.
/// U(-b, b), b = gain sqrt(3 / fan). (He et al. 2015)
const Tensor& kaiming_uniform_(const Tensor& weight, const KaimingOptions& options = {});
/// N(0, s^2), s = gain / sqrt(fan).
const Tensor& kaiming_normal_(const Tensor& weight, const KaimingOptions& options = {});
/// U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)). (Glorot and Bengio 2010)
const Tensor& xavier_uniform_(const Tensor& weight, double gain = 1);
/// N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)).
const Tensor& xavier_normal_(const Tensor& weight, double gain = 1);
/// N(mean, std^2) cut to [low, high].
const Tensor& trunc_normal_(const Tensor& weight, double mean = 0, double std = 1, double low = -2,
                            double high = 2);
/// gain times a matrix whose rows (or columns, of which there are fewer) are orthonormal; the sizes
/// behind the first count as one. (Saxe, McClelland, Ganguli 2013)
const Tensor& orthogonal_(const Tensor& weight, double gain = 1);
/// A share of each column is 0, the rest N(0, std^2); matrices. (Martens 2010)
const Tensor& sparse_(const Tensor& weight, double sparsity, double std = 0.01);
/// The identity, for matrices, and for convolutions of each group.
const Tensor& eye_(const Tensor& weight);
const Tensor& dirac_(const Tensor& weight, int64_t groups = 1);
const Tensor& constant_(const Tensor& weight, double value);

/// What PyTorch's Linear and Conv layers do: weight by kaiming_uniform_(sqrt(5)), bias (may be
/// undefined) uniform within 1 / sqrt(fan_in).
void reset_weight_and_bias(const Tensor& weight, const Tensor& bias);

}  // namespace iolaus::nn
