// group_norm: normalises each of G groups of channels of each image of x (N, C, ...) with its own
// statistics; with L positions a group has D = C / G * L elements, which lie next to each other:
//   mean = sum(x) / D,  var = sum((x - mean)^2) / D,  rstd = 1 / sqrt(var + eps)
//   out = (x - mean) * rstd * gamma[c] + beta[c]                          (Wu and He 2018)
// G = C is instance_norm. Backward, with xhat = (x - mean) * rstd and h = g * gamma[c]:
//   dx = rstd * (h - mean(h) - xhat * mean(h * xhat))   over the group,
//   dgamma[c] = sum over images and positions of g * xhat,   dbeta[c] = the same of g.
#pragma once

#include "kernels/kernel_set.h"

namespace iolaus {

/// x (N, C, ...) contiguous -> out likewise; mean, rstd (N G) for the backward, in float32 (float64
/// for float64). gamma, beta (C) or undefined, of x's dtype or the statistics'.
struct GroupNorm {
  Tensor x, gamma, beta, out, mean, rstd;
  int64_t groups = 1;
  double eps = 1e-5;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const;
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("gamma", gamma, Role::kIn), v("beta", beta, Role::kIn);
    v("out", out, Role::kOut), v("mean", mean, Role::kOut), v("rstd", rstd, Role::kOut);
  }
};

/// g, x (N, C, ...) contiguous, gamma (C) or undefined, mean, rstd (N G) -> dx; dgamma, dbeta (C)
/// of gamma's dtype. Each output may be undefined where it is not wanted.
struct GroupNormBackward {
  Tensor g, x, gamma, mean, rstd, dx, dgamma, dbeta;
  int64_t groups = 1;

  DType dtype() const { return g.dtype(); }
  Device device() const { return g.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const;
  template <class V> void visit(V&& v) {
    v("g", g, Role::kIn), v("x", x, Role::kIn), v("gamma", gamma, Role::kIn);
    v("mean", mean, Role::kIn), v("rstd", rstd, Role::kIn);
    v("dx", dx, Role::kOut), v("dgamma", dgamma, Role::kOut), v("dbeta", dbeta, Role::kOut);
  }
};

/// The sizes of a problem. Rows are the groups of all images, columns their elements.
struct GroupShape {
  int64_t batch, channels, groups, inner;  // inner: positions
  int64_t own;                             // channels of a group
  int64_t rows, columns;
};
GroupShape group_shape(const Tensor& x, int64_t groups);

KernelSet<GroupNorm>& group_norm_kernels();
KernelSet<GroupNormBackward>& group_norm_backward_kernels();

}  // namespace iolaus
