// Losses, differentiable, with PyTorch's names.
#pragma once

#include "core/tensor.h"
#include "kernels/cross_entropy/cross_entropy.h"

namespace iolaus {

struct CrossEntropyOptions {
  Tensor weight = {};  // (C), or undefined
  Reduction reduction = Reduction::kMean;
  int64_t ignore_index = -100;
  double label_smoothing = 0;
};

/// -log softmax(x)[target], x (N, C) or (N, C, ...) or (C), target int64 class indices (N, ...).
/// Errors: kIndex for a target outside of [0, C) that is not ignore_index; kInvalidArgument, kType.
Tensor cross_entropy(const Tensor& x, const Tensor& target,
                     const CrossEntropyOptions& options = {});
/// The same for x that is log-probabilities already (without label smoothing).
Tensor nll_loss(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options = {});
/// (x - target)^2
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::kMean);

}  // namespace iolaus
