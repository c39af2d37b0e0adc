// sort: each row of a contiguous (rows, n) tensor in order, with the index that each element had.
// Stable: equal elements keep their order. NaN counts as larger than any number, as in PyTorch.
#pragma once

#include "core/half.h"
#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Sort {
  int64_t rows = 0, n = 0;
  bool descending = false;
  const void* x = nullptr;     // (rows, n)
  void* values = nullptr;      // (rows, n)
  int64_t* indices = nullptr;  // (rows, n)
  DType element = kFloat32;
  DType compute = kFloat32;
  Device target;
  std::vector<Tensor> keep;  // values, indices, x; samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) {
    if (keep.empty()) return;
    v("values", keep[0], Role::kOut);
    v("indices", keep[1], Role::kOut);
    v("x", keep[2], Role::kIn);
  }
  void prepare();
};

/// Arguments for values, indices (int64) = sort(x) along the last dimension of (rows, n) tensors,
/// all contiguous (else kInvalidArgument).
Sort make_sort(const Tensor& values, const Tensor& indices, const Tensor& x, bool descending);

KernelSet<Sort>& sort_kernels();

/// Whether a comes before b (strictly); a and b are numbers.
template <class T> IOLAUS_HD bool sorts_before(T a, T b, bool descending) {
  const bool a_nan = a != a, b_nan = b != b;
  if (a_nan || b_nan) return descending ? a_nan && !b_nan : b_nan && !a_nan;
  return descending ? a > b : a < b;
}

}  // namespace iolaus
