// Derivatives of the unary operations on CUDA: dx = backward(g, x or y), in one pass.
#include "kernels/elementwise/domain.h"
#include "kernels/elementwise/pointwise.cuh"

namespace iolaus {
namespace {

template <class Op> struct Backward {
  Op op;
  template <class T> __device__ T operator()(T g, T saved) const { return op.backward(g, saved); }
};

template <class Op> void run(const Pointwise& p) {
  visit_dtype(FloatTypes{}, Op::kName, p.dtypes[1], [&]<class T>() {
    gpu::pointwise(p, Backward<Op>{p.get_op<Op>()}, gpu::Types<T, T, T>{});
  });
}

template <class... Ops> bool add_all(ops::OpList<Ops...>) {
  return (elementwise_backward_kernels<Ops>().add(
              {"cuda", kCUDA, dtypes_of(FloatTypes{}), run<Ops>, 1}) &&
          ...);
}
const bool kRegistered = add_all(ops::UnaryOps{});

}  // namespace
}  // namespace iolaus
