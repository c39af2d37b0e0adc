// compact: the places where a mask is true, in order. The mask is cut into parts, and it is known
// how many come before each: those of part p go to out[ends[p - 1]], ..., out[ends[p] - 1].
// nonzero, masked_select and unique are made of it.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

inline constexpr int64_t kCompactPart = 4096;  // elements of the mask in a part; the last has fewer

struct Compact {
  // (n) bool; (parts) int64, how many are true in each and all before it; (last of ends) int64.
  Tensor mask, ends, out;

  DType dtype() const { return kBool; }
  Device device() const { return mask.device(); }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) {
    v("mask", mask, Role::kIn), v("ends", ends, Role::kIn), v("out", out, Role::kOut);
  }
};

KernelSet<Compact>& compact_kernels();

}  // namespace iolaus
