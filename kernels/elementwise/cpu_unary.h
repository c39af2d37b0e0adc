// The CPU's variants of a list of unary operations: y = f(x), and dx = backward(g, x or y) in one
// pass. One file a list, so that the lists compile side by side.
#pragma once

#include "kernels/elementwise/cpu_loop.h"
#include "kernels/elementwise/domain.h"

namespace iolaus::cpu {

template <class Op> void run_unary(const Pointwise& p) {
  visit_dtype(domain_types<Op>(), Op::kName, p.dtypes[1],
              [&]<class T>() { pointwise(p, p.get_op<Op>(), Types<T, T>{}); });
}

template <class Op> struct Backward {
  static constexpr bool kDerivative = true;
  Op op;
  template <class T> T operator()(T g, T saved) const { return op.backward(g, saved); }
};
template <class Op> void run_unary_backward(const Pointwise& p) {
  visit_dtype(FloatTypes{}, Op::kName, p.dtypes[1],
              [&]<class T>() { pointwise(p, Backward<Op>{p.get_op<Op>()}, Types<T, T, T>{}); });
}

template <class... Ops> bool add_unary(ops::OpList<Ops...>) {
  return (elementwise_kernels<Ops>().add({"cpu", kCPU, domain_dtypes<Ops>(), run_unary<Ops>, 1}) &&
          ...);
}
template <class... Ops> bool add_unary_backward(ops::OpList<Ops...>) {
  return (elementwise_backward_kernels<Ops>().add(
              {"cpu", kCPU, dtypes_of(FloatTypes{}), run_unary_backward<Ops>, 1}) &&
          ...);
}

}  // namespace iolaus::cpu
