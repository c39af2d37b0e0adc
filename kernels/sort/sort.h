// sort: each row of a contiguous (rows, n) tensor in order, with the index that each element had;
// or columns [first, first + count) of that order alone, on the CPU (topk, median). Stable: equal
// elements keep their order. NaN counts as larger than any number, as in PyTorch.
#pragma once

#include "core/half.h"
#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Sort {
  int64_t rows = 0, n = 0;
  int64_t first = 0, count = 0;
  bool descending = false;
  const void* x = nullptr;     // (rows, n)
  void* values = nullptr;      // (rows, count)
  int64_t* indices = nullptr;  // (rows, count)
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

/// Arguments for values, indices (int64) = columns [first, first + count) of x (rows, n) sorted
/// along the last dimension; values and indices are (rows, count), all contiguous (else
/// kInvalidArgument).
Sort make_sort(const Tensor& values, const Tensor& indices, const Tensor& x, bool descending,
               int64_t first = 0);

KernelSet<Sort>& sort_kernels();

/// Whether a comes before b (strictly); a and b are numbers.
template <class T> IOLAUS_HD bool sorts_before(T a, T b, bool descending) {
  const bool a_nan = a != a, b_nan = b != b;
  if (a_nan || b_nan) return descending ? a_nan && !b_nan : b_nan && !a_nan;
  return descending ? a > b : a < b;
}

}  // namespace iolaus
