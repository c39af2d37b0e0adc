// adaptive_max_pool2d: the maximum over a grid of windows that cover each plane.
//   window o of O covers [floor(o H / O), ceil((o + 1) H / O)), likewise in width;
//   out = max over the window (NaN wins);  indices = i * W + j of the first such element
// Its backward and its backward's backward know indices only: those of max_pool2d.
#pragma once

#include "kernels/pool2d/pool2d.h"

namespace iolaus {

/// x (..., H, W) -> out (..., Ho, Wo), indices (..., Ho, Wo) int32 into the plane, which has fewer
/// than 2^31 elements. Contiguous.
struct AdaptiveMaxPool2d {
  Tensor x, out, indices;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("out", out, Role::kOut), v("indices", indices, Role::kOut);
  }
};

struct PoolSpan {
  int64_t begin, end;
};
/// What output o of `outputs` covers of an input of the given size.
IOLAUS_HD inline PoolSpan adaptive_span(int64_t o, int64_t size, int64_t outputs) {
  return {o * size / outputs, ((o + 1) * size + outputs - 1) / outputs};
}

KernelSet<AdaptiveMaxPool2d>& adaptive_max_pool2d_kernels();

}  // namespace iolaus
