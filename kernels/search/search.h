// search: where values belong in sorted rows, by bisection.
//
//   out[r][i] = the number of entries of edges[r] that are < values[r][i] (left), or <= (right)
// One row of edges may serve all rows of values. NaN belongs behind everything.
#pragma once

#include "core/half.h"
#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Search {
  Tensor edges, values, out;  // (R or 1, n), (R, m) of one dtype, (R, m) int64; contiguous
  bool right = false;

  DType dtype() const { return values.dtype(); }
  Device device() const { return values.device(); }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) {
    v("edges", edges, Role::kIn), v("values", values, Role::kIn), v("out", out, Role::kOut);
  }
};

KernelSet<Search>& search_kernels();

/// The number of entries of row (of n, sorted) before the place of x.
template <class M, class T> IOLAUS_HD int64_t search_row(const T* row, int64_t n, M x, bool right) {
  int64_t low = 0;  // no branch but the loop: half of them would be mispredicted
  for (int64_t left = n; left > 0;) {
    const int64_t half = left / 2;
    const M edge = static_cast<M>(row[low + half]);
    const bool before = right ? !(x < edge) | (x != x) : !(edge >= x);
    low = before ? low + half + 1 : low;
    left = before ? left - half - 1 : half;
  }
  return low;
}

}  // namespace iolaus
