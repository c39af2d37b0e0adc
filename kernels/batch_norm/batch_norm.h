// batch_norm: normalises each channel of x (N, C, ...) over the batch and all positions (M elements
// a channel), with the batch's statistics in training and given ones in evaluation:
//   mean = sum(x) / M,  var = sum((x - mean)^2) / M,  invstd = 1 / sqrt(var + eps)
//   out = (x - mean) * invstd * gamma + beta
//   running = (1 - momentum) * running + momentum * batch   (the variance with M - 1)
// Backward, with xhat = (x - mean) * invstd:  dbeta = sum(g),  dgamma = sum(g * xhat),
//   dx = gamma * invstd * (g - dbeta / M - xhat * dgamma / M)   in training,
//   dx = gamma * invstd * g                                     in evaluation.
#pragma once

#include "kernels/kernel_set.h"
#include "kernels/layout.h"

namespace iolaus {

/// Where the elements of a channel lie: n * batch_stride + c * channel_stride + l * inner_stride.
struct ChannelLayout {
  int64_t batch, channels, inner;
  int64_t batch_stride, channel_stride, inner_stride;
  bool dense;  // contiguous (inner_stride 1) or channels-last (channel_stride 1)
};
/// The layout of x (N, C, ...). Not dense: no kernel here can run on it.
ChannelLayout channel_layout(const Tensor& x);
/// Batch, channels and the elements of one channel of one image, of x (N, C, ...).
std::array<int64_t, 3> channel_sizes(const Tensor& x);

/// Training. x (N, C, ...) -> out of the same layout, mean (C) and invstd (C) for the backward, in
/// float32 (float64 for float64). gamma, beta (C) or undefined; running_mean, running_var (C),
/// updated in place, or undefined. These four are of x's dtype or of the statistics'.
struct BatchNorm {
  Tensor x, gamma, beta, running_mean, running_var, out, mean, invstd;
  double momentum = 0.1;
  double eps = 1e-5;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const;
  static constexpr const char* kSizes[] = {"batch", "channels", "inner"};
  std::array<int64_t, 3> named_sizes() const { return channel_sizes(x); }
  std::string_view layout() const { return common_layout({&x, &out}); }
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("gamma", gamma, Role::kIn), v("beta", beta, Role::kIn);
    v("running_mean", running_mean, Role::kInOut), v("running_var", running_var, Role::kInOut);
    v("out", out, Role::kOut), v("mean", mean, Role::kOut), v("invstd", invstd, Role::kOut);
  }
};

/// Evaluation: mean and var (C) are given, of x's dtype or of the statistics'.
struct BatchNormEval {
  Tensor x, gamma, beta, mean, var, out;
  double eps = 1e-5;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  static constexpr const char* kSizes[] = {"batch", "channels", "inner"};
  std::array<int64_t, 3> named_sizes() const { return channel_sizes(x); }
  std::string_view layout() const { return common_layout({&x, &out}); }
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("gamma", gamma, Role::kIn), v("beta", beta, Role::kIn);
    v("mean", mean, Role::kIn), v("var", var, Role::kIn), v("out", out, Role::kOut);
  }
};

/// g, x (N, C, ...) of one layout; mean, invstd (C) in the statistics' dtype, of the batch
/// (training) or of the running statistics -> dx; dgamma, dbeta (C) of gamma's dtype. Each output
/// may be undefined where it is not wanted.
struct BatchNormBackward {
  Tensor g, x, gamma, mean, invstd, dx, dgamma, dbeta;
  bool training = true;

  DType dtype() const { return g.dtype(); }
  Device device() const { return g.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const;
  static constexpr const char* kSizes[] = {"batch", "channels", "inner"};
  std::array<int64_t, 3> named_sizes() const { return channel_sizes(x); }
  std::string_view layout() const { return common_layout({&x, &g, &dx}); }
  template <class V> void visit(V&& v) {
    v("g", g, Role::kIn), v("x", x, Role::kIn), v("gamma", gamma, Role::kIn);
    v("mean", mean, Role::kIn), v("invstd", invstd, Role::kIn);
    v("dx", dx, Role::kOut), v("dgamma", dgamma, Role::kOut), v("dbeta", dbeta, Role::kOut);
  }
};

KernelSet<BatchNorm>& batch_norm_kernels();
KernelSet<BatchNormEval>& batch_norm_eval_kernels();
KernelSet<BatchNormBackward>& batch_norm_backward_kernels();

}  // namespace iolaus
