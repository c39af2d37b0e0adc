// 16-bit floats in ops that are made of several steps: computed in float32 and rounded once, at the
// end, as PyTorch's kernels do, instead of after each step.
#pragma once

#include "autograd/ops/copy.h"

namespace iolaus {

inline bool is_short_float(const Tensor& x) {
  return x.defined() && is_floating(x.dtype()) && item_size(x.dtype()) == 2;
}
/// float32 in place of a 16-bit float; any other tensor itself.
inline Tensor widened(const Tensor& x) { return is_short_float(x) ? to(x, kFloat32) : x; }

}  // namespace iolaus
