// scan: running sums and products over one dimension of contiguous tensors, seen as
// (outer, n, inner):
//
//   cumsum    y_j = x_0 + ... + x_j
//   cumprod   y_j = x_0 ... x_j
// 16-bit floats and float accumulate wider (in float and double), integers wrap around.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

enum class ScanOp { kSum, kProd };

struct Scan {
  ScanOp op = ScanOp::kSum;
  int64_t outer = 1, n = 0, inner = 1;
  const void* x = nullptr;  // (outer, n, inner)
  void* out = nullptr;      // (outer, n, inner)
  DType element = kFloat32;
  DType compute = kFloat32;
  Device target;
  std::vector<Tensor> keep;  // out and x as (outer, n, inner); samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return op == ScanOp::kProd ? n * n : n; }
  template <class V> void visit(V&& v) {
    if (keep.empty()) return;
    v("out", keep[0], Role::kOut);
    v("x", keep[1], Role::kIn);
  }
  void prepare();
};

/// Arguments for out = scan(x) over dim, 0 <= dim < max(rank, 1); both contiguous, of one shape,
/// dtype and device (else kInvalidArgument).
Scan make_scan(ScanOp op, const Tensor& out, const Tensor& x, int dim);

KernelSet<Scan>& scan_kernels(ScanOp op);

/// What a running result is kept in.
template <class T>
using ScanType = std::conditional_t<std::is_same_v<T, float>, double, MathType<T>>;
using ScanTypes = TypeList<float, double, Half, BFloat16, int64_t>;

}  // namespace iolaus
