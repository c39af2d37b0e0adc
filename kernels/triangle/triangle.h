// triangle: one side of a diagonal of matrices; what is on the other side becomes 0. tril and triu.
//
//   out[m][i][j] = x[m][i][j] if j <= i + diagonal (lower) or j >= i + diagonal (upper), else 0
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Triangle {
  Tensor x, out;         // (..., rows, columns) of one dtype; contiguous
  int64_t diagonal = 0;  // in [-rows - 1, columns + 1]
  bool lower = true;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) { v("x", x, Role::kIn), v("out", out, Role::kOut); }
};

KernelSet<Triangle>& triangle_kernels();

}  // namespace iolaus
