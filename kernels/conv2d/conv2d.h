// conv2d: two-dimensional cross-correlation with stride, padding, dilation and groups, and its two
// gradients. With G groups, output channel k of group k / (K/G) sums over the channels c of its
// group (i = h * stride + r * dilation - padding, likewise j; zero outside of the input):
//   out[n][k][h][w] = bias[k] + sum_{c,r,s} x[n][c][i][j] * weight[k][c][r][s]
//   dx[n][c][i][j]  = sum of g[n][k][h][w] * weight[k][c][r][s] over all that read x[n][c][i][j]
//   dw[k][c][r][s]  = sum_{n,h,w} g[n][k][h][w] * x[n][c][i][j]
//   db[k]           = sum_{n,h,w} g[n][k][h][w]
// All three are linear in each operand, so second derivatives are made of the same kernels.
#pragma once

#include "kernels/kernel_set.h"
#include "kernels/layout.h"
#include "kernels/window2d.h"

namespace iolaus {

/// What the three kernels know of the shapes; sizes are those of one image and one group.
struct ConvShape {
  int64_t batch, groups;
  int64_t in_channels, in_height, in_width;     // channels of one group
  int64_t out_channels, out_height, out_width;  // channels of one group
  int64_t window;                               // elements of a window: in_channels * kh * kw

  /// In the order of kConvSizes. Channels are those of one group.
  std::array<int64_t, 16> list(const Window2d& w) const {
    return {batch,        groups,       in_channels,   in_height,    in_width,    out_channels,
            out_height,   out_width,    w.kernel[0],   w.kernel[1],  w.stride[0], w.stride[1],
            w.padding[0], w.padding[1], w.dilation[0], w.dilation[1]};
  }
};
/// What rules and the tune cache know of a convolution.
inline constexpr const char* kConvSizes[] = {
    "batch",          "groups",        "in_channels",     "in_height",
    "in_width",       "out_channels",  "out_height",      "out_width",
    "kernel_height",  "kernel_width",  "stride_height",   "stride_width",
    "padding_height", "padding_width", "dilation_height", "dilation_width"};

/// x (N, C, H, W), weight (K, C/G, kh, kw), bias (K) or undefined -> out (N, K, Ho, Wo).
struct Conv2d {
  Tensor x, weight, bias, out;
  Window2d window;  // kernel repeats the weight's sizes
  int64_t groups = 1;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return shape().window + 1; }
  ConvShape shape() const;
  static constexpr auto& kSizes = kConvSizes;
  std::array<int64_t, 16> named_sizes() const { return shape().list(window); }
  std::string_view layout() const { return common_layout({&x, &weight, &out}); }
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("weight", weight, Role::kIn), v("bias", bias, Role::kIn);
    v("out", out, Role::kOut);
  }
};

/// g (N, K, Ho, Wo), weight (K, C/G, kh, kw) -> dx (N, C, H, W).
struct Conv2dBackwardInput {
  Tensor g, weight, dx;
  Window2d window;
  int64_t groups = 1;

  DType dtype() const { return g.dtype(); }
  Device device() const { return g.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const;
  ConvShape shape() const;
  static constexpr auto& kSizes = kConvSizes;
  std::array<int64_t, 16> named_sizes() const { return shape().list(window); }
  std::string_view layout() const { return common_layout({&g, &weight, &dx}); }
  template <class V> void visit(V&& v) {
    v("g", g, Role::kIn), v("weight", weight, Role::kIn), v("dx", dx, Role::kOut);
  }
};

/// g (N, K, Ho, Wo), x (N, C, H, W) -> dw (K, C/G, kh, kw), db (K) or undefined.
struct Conv2dBackwardWeight {
  Tensor g, x, dw, db;
  Window2d window;
  int64_t groups = 1;

  DType dtype() const { return g.dtype(); }
  Device device() const { return g.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return g.numel() / std::max<int64_t>(g.sizes()[1], 1) + 1; }
  ConvShape shape() const;
  static constexpr auto& kSizes = kConvSizes;
  std::array<int64_t, 16> named_sizes() const { return shape().list(window); }
  std::string_view layout() const { return common_layout({&g, &x, &dw}); }
  template <class V> void visit(V&& v) {
    v("g", g, Role::kIn), v("x", x, Role::kIn);
    v("dw", dw, Role::kOut), v("db", db, Role::kOut);
  }
};

/// Tensors may have any strides; the fast variants ask for dense ones (contiguous or
/// channels-last) or copy. Sizes are right: the differentiable op has checked them.
KernelSet<Conv2d>& conv2d_kernels();
KernelSet<Conv2dBackwardInput>& conv2d_backward_input_kernels();
KernelSet<Conv2dBackwardWeight>& conv2d_backward_weight_kernels();

}  // namespace iolaus
