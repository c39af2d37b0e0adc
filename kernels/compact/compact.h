// compact: the places where a mask is true, in order:
//
//   out[ends[i] - 1] = i for each i with mask[i],   ends = cumsum(mask)
// nonzero, masked_select and unique are made of it.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Compact {
  Tensor mask, ends, out;  // (n) bool, (n) int64, (ends[n - 1]) int64; contiguous

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
