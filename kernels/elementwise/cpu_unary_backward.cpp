// Derivatives of the unary operations on the CPU: dx = backward(g, x or y), in one pass.
#include "kernels/elementwise/cpu_loop.h"
#include "kernels/elementwise/domain.h"

namespace iolaus {
namespace {

template <class Op> struct Backward {
  static constexpr bool kDerivative = true;
  Op op;
  template <class T> T operator()(T g, T saved) const { return op.backward(g, saved); }
};

template <class Op> void run(const Pointwise& p) {
  visit_dtype(FloatTypes{}, Op::kName, p.dtypes[1], [&]<class T>() {
    cpu::pointwise(p, Backward<Op>{p.get_op<Op>()}, cpu::Types<T, T, T>{});
  });
}

template <class... Ops> bool add_all(ops::OpList<Ops...>) {
  return (elementwise_backward_kernels<Ops>().add(
              {"cpu", kCPU, dtypes_of(FloatTypes{}), run<Ops>, 1}) &&
          ...);
}
const bool kRegistered = add_all(ops::UnaryOps{});

}  // namespace
}  // namespace iolaus
