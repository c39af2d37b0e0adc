// Normalisation, differentiable, with PyTorch's names.
#pragma once

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

}  // namespace iolaus
