// bincount: how often each whole number occurs.
//
//   counts[v] += the number of i with x[i] = v
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Bincount {
  Tensor x, counts;  // (n) int64 in [0, bins), (bins) int64; contiguous

  DType dtype() const { return kInt64; }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) { v("x", x, Role::kIn), v("counts", counts, Role::kInOut); }
};

KernelSet<Bincount>& bincount_kernels();

}  // namespace iolaus
