// row_norm: normalisations of rows of D elements, each with what stands before it in a network, so
// that a row is read once and written once. With s = x, or s = x + residual:
//   add_layer_norm   mean = sum(s) / D,  var = sum((s - mean)^2) / D,  rstd = 1 / sqrt(var + eps)
//   rms_norm, add_rms_norm   mean = 0,  rstd = 1 / sqrt(sum(s^2) / D + eps)
//   out = xhat * gamma + beta,  xhat = (s - mean) * rstd     (Zhang and Sennrich 2019: rms_norm)
// Backward, with h = g * gamma and gs the gradient that s has from elsewhere (the residual stream):
//   dx = gs + rstd * (h - mean(h) - xhat * mean(h * xhat))   for both x and residual,
//   dgamma = sum over rows of g * xhat,   dbeta = sum over rows of g;   mean(h) only where
//   centered.
// s is normalised as it is stored: rounded to x's dtype.
#pragma once

#include "kernels/kernel_set.h"

namespace iolaus {

enum class RowNormKind { kRms, kAddLayer, kAddRms };

/// x (B..., D...) contiguous -> out likewise; rstd (rows), and where centered mean (rows), for the
/// backward, in float32 (float64 for float64). The two with a residual, shaped like x, also give
/// sum. gamma, beta (D elements) or undefined, of x's dtype or the statistics'.
struct RowNorm {
  Tensor x, residual, gamma, beta, sum, out, mean, rstd;
  int64_t columns = 1;  // D; the number of rows is numel / D
  double eps = 1e-5;
  RowNormKind kind = RowNormKind::kRms;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return columns; }
  int64_t rows() const { return columns == 0 ? 0 : x.numel() / columns; }
  bool centered() const { return kind == RowNormKind::kAddLayer; }
  static constexpr const char* kSizes[] = {"rows", "columns"};
  std::array<int64_t, 2> named_sizes() const { return {rows(), columns}; }
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("residual", residual, Role::kIn);
    v("gamma", gamma, Role::kIn), v("beta", beta, Role::kIn);
    v("sum", sum, Role::kOut), v("out", out, Role::kOut);
    v("mean", mean, Role::kOut), v("rstd", rstd, Role::kOut);
  }
};

/// g, s (B..., D...) contiguous, gs likewise or undefined, gamma (D) or undefined, mean, rstd
/// (rows)
/// -> dx; dgamma, dbeta (D) of gamma's dtype. Each output may be undefined where it is not wanted.
struct RowNormBackward {
  Tensor g, gs, s, gamma, mean, rstd, dx, dgamma, dbeta;
  int64_t columns = 1;
  RowNormKind kind = RowNormKind::kRms;

  DType dtype() const { return g.dtype(); }
  Device device() const { return g.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return std::max(columns, rows()); }
  int64_t rows() const { return columns == 0 ? 0 : s.numel() / columns; }
  bool centered() const { return kind == RowNormKind::kAddLayer; }
  static constexpr const char* kSizes[] = {"rows", "columns"};
  std::array<int64_t, 2> named_sizes() const { return {rows(), columns}; }
  template <class V> void visit(V&& v) {
    v("g", g, Role::kIn), v("gs", gs, Role::kIn), v("s", s, Role::kIn);
    v("gamma", gamma, Role::kIn), v("mean", mean, Role::kIn), v("rstd", rstd, Role::kIn);
    v("dx", dx, Role::kOut), v("dgamma", dgamma, Role::kOut), v("dbeta", dbeta, Role::kOut);
  }
};

/// "rms_norm", "add_layer_norm" and "add_rms_norm", and their gradients.
KernelSet<RowNorm>& row_norm_kernels(RowNormKind kind);
KernelSet<RowNormBackward>& row_norm_backward_kernels(RowNormKind kind);
inline constexpr RowNormKind kRowNormKinds[] = {RowNormKind::kRms, RowNormKind::kAddLayer,
                                                RowNormKind::kAddRms};

}  // namespace iolaus
