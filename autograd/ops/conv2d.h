// Two-dimensional convolution (cross-correlation, as PyTorch's conv2d), differentiable.
#pragma once

#include <array>

#include "core/tensor.h"

namespace iolaus {

/// A size for height and width; one number stands for both.
struct Pair {
  int64_t height, width;
  Pair(int64_t both) : height(both), width(both) {}  // NOLINT: conv2d(x, w, b, {.stride = 2})
  Pair(int64_t h, int64_t w) : height(h), width(w) {}
  bool operator==(const Pair&) const = default;
};

struct Conv2dOptions {
  Pair stride = 1;
  Pair padding = 0;  // zeros on both sides
  Pair dilation = 1;
  int64_t groups = 1;
};

/// x (N, C, H, W), weight (O, C / groups, kh, kw), bias (O) or undefined; gives (N, O, H', W') with
/// H' = (H + 2 padding - dilation (kh - 1) - 1) / stride + 1, rounded down.
/// Errors: kInvalidArgument where shapes do not fit or the window exceeds the padded input.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});

struct ConvTranspose2dOptions {
  Pair stride = 1;
  Pair padding = 0;
  Pair output_padding = 0;  // rows and columns added on one side
  int64_t groups = 1;
  Pair dilation = 1;
};

/// The gradient of conv2d with respect to its input, as a layer: x (N, C, H, W), weight
/// (C, O / groups, kh, kw), bias (O) or undefined; gives (N, O, H', W') with
/// H' = (H - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1. Errors: as conv2d.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTranspose2dOptions& options = {});

}  // namespace iolaus
