// What the files of reductions share: which dimensions, and the call of a kernel.
#pragma once

#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "kernels/reduce/reduce.h"

namespace iolaus::detail {

/// Bit d: dimension d is reduced. All of them where dims is empty. Errors: kIndex,
/// kInvalidArgument.
uint32_t reduced_mask(const char* op, const Tensor& x, const Dims& dims);
/// x's sizes with 1 for the reduced ones.
Dims kept_sizes(const Tensor& x, uint32_t mask);
/// op(x) by the selected kernel, without a gradient. divisor: of kVar and kStd.
Tensor reduce(ReduceOp op, const Tensor& x, uint32_t mask, bool keepdim, double divisor = 1);
/// Errors: kType unless x is floating.
void check_floating(const char* op, const Tensor& x);

}  // namespace iolaus::detail
