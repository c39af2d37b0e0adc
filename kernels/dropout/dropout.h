// dropout: out_i = x_i / (1 - p) where element i's uniform number is at least p, else 0.
//
// The numbers come from Philox (core/philox.h) under a key, element i of the row-major order taking
// word i. So nothing is saved but the key: backward is the same kernel on the gradient. p = 1
// gives zeros.
#pragma once

#include "core/random.h"
#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Dropout {
  int64_t numel = 0;
  const void* x = nullptr;  // contiguous
  void* out = nullptr;      // contiguous; may be x
  double p = 0.5;
  RandomKey key;
  DType element = kFloat32;
  DType compute = kFloat32;
  Device target;
  std::vector<Tensor> keep;  // out and x; filled by samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  Cost cost() const;
  static constexpr const char* kSizes[] = {"numel"};
  std::array<int64_t, 1> named_sizes() const { return {numel}; }
  template <class V> void visit(V&& v) {
    if (keep.empty()) return;
    v("out", keep[0], Role::kOut);
    v("x", keep[1], Role::kIn);
  }
  void prepare();
  /// What a kept element is multiplied by.
  double scale() const { return p < 1 ? 1 / (1 - p) : 0; }
};

/// Arguments for tensors of one shape and dtype, contiguous (else kInvalidArgument).
Dropout make_dropout(const Tensor& out, const Tensor& x, double p, RandomKey key);

KernelSet<Dropout>& dropout_kernels();

}  // namespace iolaus
