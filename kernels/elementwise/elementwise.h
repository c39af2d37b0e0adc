// elementwise: one kernel set for each operation of unary_ops.h and binary_ops.h, found by the
// operation's type. A new operation is a struct there and its name in the list; the CPU and CUDA
// variants of all listed operations register themselves.
#pragma once

#include "kernels/elementwise/binary_ops.h"
#include "kernels/elementwise/function_ops.h"
#include "kernels/elementwise/pointwise.h"

namespace iolaus {

namespace detail {
/// Sample arguments by kind of operation, in the range [Op::kLow, Op::kHigh).
template <class Op> std::vector<Pointwise> elementwise_samples(DType dtype) {
  std::vector<Pointwise> samples;
  if constexpr (std::is_same_v<Op, ops::Where>) {
    samples = pointwise_samples(3, dtype, dtype, -3, 3, true);
  } else if constexpr (std::is_base_of_v<ops::PredicateOp, Op>) {
    samples = pointwise_samples(1, dtype, kBool, Op::kLow, Op::kHigh);
  } else if constexpr (requires { Op::kTernary; }) {
    samples = pointwise_samples(3, dtype, dtype, Op::kLow, Op::kHigh);
  } else if constexpr (std::is_base_of_v<ops::CompareOp, Op>) {
    samples = pointwise_samples(2, dtype, kBool, Op::kLow, Op::kHigh);
  } else if constexpr (requires { Op::kBinary; }) {
    samples = pointwise_samples(2, dtype, dtype, Op::kLow, Op::kHigh);
  } else {
    samples = pointwise_samples(1, dtype, dtype, Op::kLow, Op::kHigh);
  }
  for (Pointwise& p : samples) p.set_op(Op{});
  return samples;
}
template <class Op> std::vector<Pointwise> elementwise_backward_samples(DType dtype) {
  std::vector<Pointwise> samples = pointwise_samples(2, dtype, dtype, Op::kLow, Op::kHigh);
  for (Pointwise& p : samples) p.set_op(Op{});
  return samples;
}
}  // namespace detail

/// out = op(a), op(a, b) or op(a, b, c): unary, binary, predicate and comparison (to bool), ternary
/// and where.
template <class Op> KernelSet<Pointwise>& elementwise_kernels() {
  static auto* set =
      new KernelSet<Pointwise>("elementwise", Op::kName, detail::elementwise_samples<Op>);
  return *set;
}

/// dx = op.backward(g, x or y), for unary operations.
template <class Op> KernelSet<Pointwise>& elementwise_backward_kernels() {
  static auto* set = new KernelSet<Pointwise>("elementwise", std::string(Op::kName) + "_backward",
                                              detail::elementwise_backward_samples<Op>);
  return *set;
}

}  // namespace iolaus
