// matmul: C = alpha A B + beta C + bias, batched, of any strides.
//
// A is (batch..., M, K), B (batch..., K, N), C (batch..., M, N); the batch dimensions of A and B
// broadcast to those of C. bias, where given, is one row (N) that is added to every row of C.
// Transposed operands are strides, not copies. make_matmul merges batch dimensions, and folds them
// into M where B is shared by all of them, so most calls are one plain product.
#pragma once

#include "core/tensor.h"
#include "kernels/flop_counter.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Matmul {
  int64_t m = 0, n = 0, k = 0;
  int64_t batch = 1;   // product of batch_sizes
  int batch_rank = 0;  // after merging; 0 for one plain product
  int64_t batch_sizes[kMaxRank];
  int64_t batch_strides[3][kMaxRank];  // of C, A, B, in elements; 0 where broadcast
  // Operands C, A, B: address, and the strides (in elements) of their rows and columns.
  void* data[3] = {};
  int64_t row[3] = {}, column[3] = {};
  const void* bias = nullptr;  // (N), or null
  int64_t bias_stride = 1;
  double alpha = 1, beta = 0;  // with beta = 0, C is only written: NaN in it does not matter
  DType element = kFloat32;    // of all operands
  DType compute = kFloat32;    // what the variant is chosen by
  Device target;
  std::vector<Tensor> keep;  // C, A, B and perhaps bias; filled by samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  /// 2 batch M N K operations; each operand moved once.
  Cost cost() const;
  int64_t reduction() const { return k; }
  static constexpr const char* kSizes[] = {"batch", "m", "n", "k", "bias", "accumulate"};
  std::array<int64_t, 6> named_sizes() const {
    return {batch, m, n, k, bias != nullptr, beta != 0};
  }
  /// How A and B lie, as BLAS says it: "nn" by rows, "nt" B by columns, ...; "strided" for others.
  std::string_view layout() const;
  template <class V> void visit(V&& v) {
    static constexpr const char* kNames[] = {"c", "a", "b", "bias"};
    for (size_t i = 0; i < keep.size(); ++i) {
      v(kNames[i], keep[i], i > 0 ? Role::kIn : (beta != 0 ? Role::kInOut : Role::kOut));
    }
  }
  /// Sets the geometry anew from keep.
  void prepare();
  /// Fills keep with tensors over the addresses, of the merged geometry.
  void adopt();
  /// Addresses of C, A, B of one batch entry.
  struct Item {
    char *c, *a, *b;
  };
  Item item(int64_t index) const;
};

/// Arguments for c = alpha a b + beta c (+ bias). Errors: kInvalidArgument where shapes do not fit
/// or devices differ; kType where dtypes differ.
Matmul make_matmul(const Tensor& c, const Tensor& a, const Tensor& b, const Tensor* bias = nullptr,
                   double alpha = 1, double beta = 0);

KernelSet<Matmul>& matmul_kernels();

/// c = a b (+ bias), without gradients.
inline void matmul_into(const Tensor& c, const Tensor& a, const Tensor& b,
                        const Tensor* bias = nullptr, double alpha = 1, double beta = 0) {
  run_counted(matmul_kernels(), make_matmul(c, a, b, bias, alpha, beta));
}

}  // namespace iolaus
