// softmax over one dimension of contiguous tensors, seen as (outer, n, inner):
//
//   softmax       y = e^(x - max) / sum e^(x - max)      dx = y (g - sum g y)
//   log_softmax   y = x - max - log sum e^(x - max)      dx = g - e^y sum g
// Statistics are kept in float for the 16-bit types. A row that is all -inf gives NaN, as in
// PyTorch.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Softmax {
  int64_t outer = 1, n = 0, inner = 1;
  bool log = false;
  const void* x = nullptr;  // (outer, n, inner); in backward the forward's result y
  const void* g = nullptr;  // (outer, n, inner); backward only
  void* out = nullptr;      // (outer, n, inner)
  DType element = kFloat32;
  DType compute = kFloat32;
  Device target;
  std::vector<Tensor> keep;  // out, x and in backward g, as (outer, n, inner); samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return n; }
  static constexpr const char* kSizes[] = {"outer", "n", "inner", "log"};
  std::array<int64_t, 4> named_sizes() const { return {outer, n, inner, log}; }
  template <class V> void visit(V&& v) {
    static constexpr const char* kNames[] = {"out", "x", "g"};
    for (size_t i = 0; i < keep.size(); ++i) v(kNames[i], keep[i], i == 0 ? Role::kOut : Role::kIn);
  }
  void prepare();
  /// Fills keep with tensors over the addresses.
  void adopt();
};

/// Arguments for out = softmax(x) (or log_softmax) over dim, with 0 <= dim < max(rank, 1). g, where
/// defined, makes it the backward pass: x is then the forward's result. All tensors contiguous and
/// of one shape, dtype and device (else kInvalidArgument).
Softmax make_softmax(const Tensor& out, const Tensor& x, const Tensor& g, int dim, bool log);

KernelSet<Softmax>& softmax_kernels();
KernelSet<Softmax>& softmax_backward_kernels();

}  // namespace iolaus
