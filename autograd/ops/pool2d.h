// Pooling over windows of (N, C, H, W), differentiable, with PyTorch's names and rules.
#pragma once

#include "autograd/ops/conv2d.h"

namespace iolaus {

struct MaxPool2dOptions {
  Pair stride = 0;  // 0: the kernel size
  Pair padding = 0;
  Pair dilation = 1;
  bool ceil_mode = false;
};
struct AvgPool2dOptions {
  Pair stride = 0;  // 0: the kernel size
  Pair padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
};

/// Errors: kInvalidArgument where the padding exceeds half of the kernel or the output is empty.
Tensor max_pool2d(const Tensor& x, Pair kernel_size, const MaxPool2dOptions& options = {});
Tensor avg_pool2d(const Tensor& x, Pair kernel_size, const AvgPool2dOptions& options = {});
/// Averages, and maxima, over windows that cut the input into output_size parts.
Tensor adaptive_avg_pool2d(const Tensor& x, Pair output_size);
Tensor adaptive_max_pool2d(const Tensor& x, Pair output_size);

}  // namespace iolaus
