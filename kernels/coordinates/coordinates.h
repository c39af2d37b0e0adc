// coordinates: what places in a tensor, counted along its rows, are as indices of its dimensions:
//
//   places[i] = (... (out[i][0] sizes[1] + out[i][1]) sizes[2] + ...) + out[i][rank - 1]
// nonzero is made of it.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Coordinates {
  Tensor places, out;  // (n) and (n, rank), int64; contiguous
  Dims sizes;          // of the tensor, rank >= 1; places are below their product

  DType dtype() const { return kInt64; }
  Device device() const { return places.device(); }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) {
    v("places", places, Role::kIn), v("out", out, Role::kOut);
  }
};

KernelSet<Coordinates>& coordinates_kernels();

}  // namespace iolaus
