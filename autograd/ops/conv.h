// Convolutions of one, two and three dimensions by PyTorch's names, also of a single image without
// the batch, with "same" and "valid" padding. All are made of conv2d and its transpose.
#pragma once

#include <string>

#include "core/tensor.h"

namespace iolaus {

/// For all dimensions, or one for each: 1 to 3 numbers.
struct ConvOptions {
  Dims stride = {1}, padding = {0}, dilation = {1};
  int64_t groups = 1;
  Dims output_padding = {0};  // of the transposed ones
};

/// Cross-correlation of x (N, C, ...) or (C, ...) with weight (O, C / groups, ...), whose rank says
/// how many dimensions there are. Errors: kInvalidArgument, kType.
Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const ConvOptions& options = {});
/// padding "valid" (none) or "same" (as much as keeps the size; stride must be 1).
Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const ConvOptions& options, const std::string& padding);
/// Its transpose: weight (C, O / groups, ...).
Tensor conv_transpose(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const ConvOptions& options = {});

}  // namespace iolaus
