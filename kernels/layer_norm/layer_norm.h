// layer_norm: normalises each row of x, rows of D elements, with its own statistics:
//   mean = sum(x) / D,  var = sum((x - mean)^2) / D,  rstd = 1 / sqrt(var + eps)
//   out = (x - mean) * rstd * gamma + beta
// Backward, with xhat = (x - mean) * rstd and h = g * gamma:
//   dx = rstd * (h - mean(h) - xhat * mean(h * xhat)),
//   dgamma = sum over rows of g * xhat,   dbeta = sum over rows of g.
#pragma once

#include "kernels/kernel_set.h"

namespace iolaus {

/// x (B..., D...) contiguous -> out likewise; mean, rstd (rows) for the backward, in float32
/// (float64 for float64). gamma, beta (D elements) or undefined, of x's dtype or the statistics'.
struct LayerNorm {
  Tensor x, gamma, beta, out, mean, rstd;
  int64_t columns = 1;  // D; the number of rows is numel / D
  double eps = 1e-5;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return columns; }
  static constexpr const char* kSizes[] = {"rows", "columns"};
  std::array<int64_t, 2> named_sizes() const { return {rows(), columns}; }
  int64_t rows() const { return columns == 0 ? 0 : x.numel() / columns; }
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("gamma", gamma, Role::kIn), v("beta", beta, Role::kIn);
    v("out", out, Role::kOut), v("mean", mean, Role::kOut), v("rstd", rstd, Role::kOut);
  }
};

/// g, x (B..., D...) contiguous, gamma (D) or undefined, mean, rstd (rows) -> dx; dgamma, dbeta (D)
/// of gamma's dtype. Each output may be undefined where it is not wanted.
struct LayerNormBackward {
  Tensor g, x, gamma, mean, rstd, dx, dgamma, dbeta;
  int64_t columns = 1;

  DType dtype() const { return g.dtype(); }
  Device device() const { return g.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return std::max(columns, rows()); }
  static constexpr const char* kSizes[] = {"rows", "columns"};
  std::array<int64_t, 2> named_sizes() const { return {rows(), columns}; }
  int64_t rows() const { return columns == 0 ? 0 : x.numel() / columns; }
  template <class V> void visit(V&& v) {
    v("g", g, Role::kIn), v("x", x, Role::kIn), v("gamma", gamma, Role::kIn);
    v("mean", mean, Role::kIn), v("rstd", rstd, Role::kIn);
    v("dx", dx, Role::kOut), v("dgamma", dgamma, Role::kOut), v("dbeta", dbeta, Role::kOut);
  }
};

KernelSet<LayerNorm>& layer_norm_kernels();
KernelSet<LayerNormBackward>& layer_norm_backward_kernels();

}  // namespace iolaus
