// embedding: rows of a table by index, and the gradient of the table.
//
//   forward   out[i] = table[index[i]]                              table (V, D), index (n)
//   backward  dtable[v] = sum over i with index[i] = v of g[i]      rows equal to padding get 0
// The sum is in order of i, so that it is the same in every run and on every number of threads.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

struct Embedding {
  int64_t count = 0;               // n
  int64_t rows = 0;                // V
  int64_t width = 0;               // D
  const int64_t* index = nullptr;  // (n)
  const void* in = nullptr;        // table (V, D), or in backward g (n, D)
  void* out = nullptr;             // (n, D), or in backward dtable (V, D), written whole
  int64_t padding = -1;            // backward: the row without gradient; -1 for none
  bool backward = false;
  DType element = kFloat32;
  DType compute = kFloat32;
  Device target;
  std::vector<Tensor> keep;  // out, in, index; filled by samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return backward ? count : 1; }
  static constexpr const char* kSizes[] = {"count", "rows", "width"};
  std::array<int64_t, 3> named_sizes() const { return {count, rows, width}; }
  template <class V> void visit(V&& v) {
    static constexpr const char* kNames[] = {"out", "in", "index"};
    for (size_t i = 0; i < keep.size(); ++i) v(kNames[i], keep[i], i == 0 ? Role::kOut : Role::kIn);
  }
  void prepare();
};

/// The forward kernel's refusal of an index. Errors: always, kIndex.
[[noreturn]] void fail_bad_index(int64_t index, int64_t position, int64_t rows);

/// Arguments; all tensors contiguous, index int64 (else kInvalidArgument). In backward in is g and
/// out is the gradient of the table.
Embedding make_embedding(const Tensor& out, const Tensor& in, const Tensor& index, bool backward,
                         int64_t padding = -1);

/// Errors of the forward kernel: kIndex for an index outside [0, V).
KernelSet<Embedding>& embedding_kernels();
KernelSet<Embedding>& embedding_backward_kernels();

}  // namespace iolaus
