// What the files of unary ops share: the op of a functor, and its samples.
#pragma once

#include "autograd/autocast.h"
#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise_common.h"

namespace iolaus::detail {

// In sign's and neg's derivatives nothing is saved: an undefined tensor stands for it.
template <class Op> Tensor backward_of(const Op& op, const Tensor& g, const Tensor& saved) {
  if (grad_enabled() || !saved.defined()) return op.backward(g, saved);
  Tensor dx = empty_like(saved);
  Pointwise p;
  p.set_op(op);
  const Operand operands[] = {{&dx}, {&g}, {&saved}};
  make_pointwise(p, Op::kName, operands, saved.dtype());
  elementwise_backward_kernels<Op>()(p);
  return dx;
}

template <class Op> Tensor unary(const Op& op, const Tensor& input) {
  if (autocast::on()) {
    return autocast::call(
        Op::kName, [&](const Tensor& x) { return unary(op, x); }, input);
  }
  const DType dtype = compute_dtype(input.dtype(), Op::kDomain);
  IOLAUS_CHECK_CODE(dtype != kBool, ErrorCode::kType, "[{}] does not support bool", Op::kName);
  const bool lost = Op::kSaves == ops::Saves::kInput && overwritten(input) && needs_grad(input);
  const Tensor x = to(lost ? kept(input) : input, dtype);
  Tensor out = claim(Op::kName, x.sizes(), dtype, x.device());
  if (!out.defined()) out = empty_like(x);
  launch(op, dtype, out, Operand{&x});
  if (needs_grad(x)) {
    autograd::SavedTensor saved;
    if constexpr (Op::kSaves == ops::Saves::kInput) saved = save(x);
    if constexpr (Op::kSaves == ops::Saves::kOutput) saved = save_output(out);
    record(Op::kName, out, edges(x),
           [op, saved](const Node& n, const Tensor& g) { return backward_of(op, g, saved(n)); });
  }
  return out;
}

template <class... Ops> bool register_unary(ops::OpList<Ops...>) {
  const auto one = []<class Op>(Op op) {
    return register_op({Op::kName, [op] {
                          std::vector<OpSample> samples;
                          for (const Dims& sizes : {Dims{}, Dims{3, 4}, Dims{0, 2}}) {
                            for (bool strided : {false, true}) {
                              samples.push_back(
                                  {strided ? "strided" : "dense",
                                   {sample64(sizes, 7, Op::kLow, Op::kHigh, strided)},
                                   [op](const Tensors& x) { return unary(op, x[0]); }});
                            }
                          }
                          return samples;
                        }});
  };
  return (one(Ops{}) && ...);
}
}  // namespace iolaus::detail
