// Pointwise: the arguments of every elementwise kernel. The operands (output first) are brought to
// one broadcast geometry whose adjacent dimensions are merged, so most calls are one flat loop.
// An operand without memory is a number (x * 2): it lies in the arguments themselves.
#pragma once

#include <cstring>
#include <type_traits>

#include "core/scalar.h"
#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

inline constexpr int kMaxOperands = 4;  // the output and up to three inputs

struct Pointwise {
  int operands = 0;
  int rank = 0;  // of the merged geometry; 1 for contiguous operands
  int64_t numel = 0;
  void* data[kMaxOperands] = {};  // null: the number in immediate
  DType dtypes[kMaxOperands] = {};
  DType compute = kFloat32;  // the dtype that the kernel is chosen by
  Device target;
  int64_t sizes[kMaxRank];
  int64_t strides[kMaxOperands][kMaxRank];  // in elements; 0 where broadcast
  alignas(8) char immediate[kMaxOperands][8];
  alignas(8) char op[32];    // the functor's own parameters (a slope, limits)
  std::vector<Tensor> keep;  // owners of data; filled by samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  Cost cost() const;
  static constexpr const char* kSizes[] = {"numel"};
  std::array<int64_t, 1> named_sizes() const { return {numel}; }
  template <class V> void visit(V&& v) {
    static constexpr const char* kNames[] = {"out", "a", "b", "c"};
    for (size_t i = 0; i < keep.size(); ++i) v(kNames[i], keep[i], i == 0 ? Role::kOut : Role::kIn);
  }
  /// Sets the geometry anew from keep.
  void prepare();

  template <class Op> void set_op(const Op& functor) {
    static_assert(sizeof(Op) <= sizeof op && std::is_trivially_copyable_v<Op>);
    if constexpr (!std::is_empty_v<Op>) std::memcpy(op, &functor, sizeof functor);
  }
  template <class Op> Op get_op() const {
    Op functor;
    if constexpr (!std::is_empty_v<Op>) std::memcpy(&functor, op, sizeof functor);
    return functor;
  }
};

/// One operand: a tensor, or a number of the given dtype.
struct Operand {
  const Tensor* tensor = nullptr;
  Scalar number = false;
  DType number_dtype = kFloat32;
};

/// Geometry for operands[0] = output (of the broadcast shape) and the inputs after it.
/// Errors: kInvalidArgument, naming op, where devices differ.
void make_pointwise(Pointwise& p, const char* op, std::span<const Operand> operands, DType compute);

/// The two halves of the largest dimension, for loops whose index is too narrow for all of p.
std::array<Pointwise, 2> halves_of(const Pointwise& p);

/// Two operand samples for arity inputs: flat, broadcast, strided, empty, 0-dim and odd lengths.
std::vector<Pointwise> pointwise_samples(int arity, DType dtype, DType out_dtype, double low,
                                         double high, bool first_is_bool = false);

}  // namespace iolaus
