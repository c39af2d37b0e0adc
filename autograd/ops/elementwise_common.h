// What unary.cpp, binary.cpp and inplace.cpp share: output tensors, casts, and the call of a
// kernel.
#pragma once

#include "autograd/ops/elementwise.h"
#include "autograd/record.h"
#include "kernels/elementwise/elementwise.h"

namespace iolaus::detail {

/// Either operand of a binary op: a tensor or a number.
struct Value {
  const Tensor* tensor = nullptr;
  Scalar number = false;
  Value(const Tensor& t) : tensor(&t) {}  // NOLINT: both kinds convert
  Value(Scalar s) : number(s) {}          // NOLINT
};

/// The dtype that an op computes in; integers become float32 for functions on the reals.
inline DType compute_dtype(DType dtype, ops::Domain domain) {
  return domain == ops::Domain::kFloat && !is_floating(dtype) ? kFloat32 : dtype;
}

inline Operand operand(const Value& v, DType dtype) { return {v.tensor, v.number, dtype}; }

/// out = Op(inputs...), by the selected kernel. Tensors have the dtypes that the kernel expects.
template <class Op, class... Operands>
void launch(const Op& op, DType compute, const Tensor& out, const Operands&... inputs) {
  Pointwise p;
  p.set_op(op);
  const iolaus::Operand list[] = {{&out}, inputs...};
  make_pointwise(p, Op::kName, list, compute);
  elementwise_kernels<Op>()(p);
}

}  // namespace iolaus::detail
