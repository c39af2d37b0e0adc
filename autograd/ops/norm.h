// Normalisation, differentiable, with PyTorch's names.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace iolaus {

/// y = (x - mean) / sqrt(var + eps) * weight + bias for each channel of x (N, C, ...). Training
/// uses the batch's statistics and, where running_mean and running_var are defined, moves them by
/// momentum (towards the unbiased variance); otherwise the running ones are used. weight and bias
/// (C) may be undefined. (Ioffe and Szegedy 2015)
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight = {}, const Tensor& bias = {}, bool training = false,
                  double momentum = 0.1, double eps = 1e-5);

/// The same over the last dimensions, whose sizes are normalized_shape, for each remaining index;
/// weight and bias of that shape may be undefined. (Ba, Kiros, Hinton 2016)
Tensor layer_norm(const Tensor& x, const Dims& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

/// The same over each of `groups` groups of channels of each image of x (N, C, ...); weight and
/// bias (C) may be undefined. (Wu and He 2018)
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

/// The same over each channel of each image. Where running statistics (C) are given they move by
/// momentum towards the images' mean statistics, or, without use_input_stats, stand for them.
/// (Ulyanov, Vedaldi, Lempitsky 2016)
Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {},
                     const Tensor& running_var = {}, const Tensor& weight = {},
                     const Tensor& bias = {}, bool use_input_stats = true, double momentum = 0.1,
                     double eps = 1e-5);

/// y = x / sqrt(mean(x^2) + eps) * weight over the last dimensions, whose sizes are
/// normalized_shape. eps is by default the spacing of numbers at 1 in the type that is computed in:
/// 2^-52 for float64, 2^-23 for the others. (Zhang and Sennrich 2019)
Tensor rms_norm(const Tensor& x, const Dims& normalized_shape, const Tensor& weight = {},
                std::optional<double> eps = {});

/// What a block of a network with a residual stream begins with, in one pass over memory:
/// sum = x + residual, and out, the sum normalised.
struct NormWithSum {
  Tensor out, sum;
};
NormWithSum add_layer_norm(const Tensor& x, const Tensor& residual, const Dims& normalized_shape,
                           const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);
NormWithSum add_rms_norm(const Tensor& x, const Tensor& residual, const Dims& normalized_shape,
                         const Tensor& weight = {}, std::optional<double> eps = {});

}  // namespace iolaus
