// reduce: one number from many, over any set of dimensions of a tensor of any strides.
//
//   sum mean prod amax amin norm any all     out[kept] = op over x[kept, reduced]
//   var std                                  the sum of (x - mean)^2 over divisor, and its root
//   argmax argmin                            the index (row-major over the reduced dimensions) of
//                                            the first extreme element; NaN counts as extreme
// 16-bit floats accumulate in float. Sums are blocked (float within a block, double between), in an
// order that depends on the geometry alone. Integers and bool sum and multiply in int64.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

enum class ReduceOp {
  kSum,
  kMean,
  kProd,
  kAmax,
  kAmin,
  kNorm,
  kVar,
  kStd,
  kAny,
  kAll,
  kArgmax,
  kArgmin
};
inline constexpr int kReduceOpCount = 12;

/// Nested loops: kept dimensions outside, reduced ones inside; merged, sizes of 1 left out. Kept
/// ones are ordered by the input's stride, largest first, as are reduced ones (but for argmax and
/// argmin, whose index depends on their order).
struct Reduce {
  ReduceOp op = ReduceOp::kSum;
  int kept_rank = 0, reduced_rank = 0;
  int64_t kept = 1;     // number of results
  int64_t reduced = 1;  // elements in each; may be 0 (the identity: 0, 1, -inf, false, ...)
  int64_t kept_sizes[kMaxRank], kept_strides[kMaxRank], out_strides[kMaxRank];
  int64_t reduced_sizes[kMaxRank], reduced_strides[kMaxRank];
  double divisor = 1;  // of kVar and kStd: the number of elements less a correction
  void* out = nullptr;
  const void* x = nullptr;
  DType element = kFloat32;      // of x
  DType out_element = kFloat32;  // see reduce_dtype
  DType compute = kFloat32;      // what the variant is chosen by
  Device target;
  std::vector<Tensor> keep;        // out (with the reduced dimensions as 1) and x; samples only
  uint32_t reduced_dims_mask = 0;  // of the dimensions of x; samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return op == ReduceOp::kProd ? reduced * reduced : reduced; }
  static constexpr const char* kSizes[] = {"kept", "reduced"};
  std::array<int64_t, 2> named_sizes() const { return {kept, reduced}; }
  template <class V> void visit(V&& v) {
    if (keep.empty()) return;
    v("out", keep[0], Role::kOut);
    v("x", keep[1], Role::kIn);
  }
  /// Sets the geometry anew from keep.
  void prepare();
};

/// The dtype of the result: int64 for sum and prod of integers and bool and for argmax and argmin,
/// bool for any and all, else x's.
DType reduce_dtype(ReduceOp op, DType x);
const char* reduce_name(ReduceOp op);
/// Whether op is defined for floating types alone: mean, norm, var and std.
bool is_floating_only(ReduceOp op);

/// Arguments for out = op(x) over the dimensions in mask (bit d: dimension d). out has x's rank,
/// with size 1 in the reduced dimensions, and any strides. Errors: kInvalidArgument where out's
/// shape does not fit; kType where its dtype does not.
Reduce make_reduce(ReduceOp op, const Tensor& out, const Tensor& x, uint32_t mask);

/// The same for kVar and kStd.
Reduce make_variance(ReduceOp op, const Tensor& out, const Tensor& x, uint32_t mask,
                     double divisor);

/// One kernel set for each operation.
KernelSet<Reduce>& reduce_kernels(ReduceOp op);

/// out = op(x), without gradients.
inline void reduce_into(ReduceOp op, const Tensor& out, const Tensor& x, uint32_t mask) {
  reduce_kernels(op)(make_reduce(op, out, x, mask));
}

}  // namespace iolaus
