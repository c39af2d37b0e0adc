// Unary operations on CUDA: y = f(x).
#include "kernels/elementwise/domain.h"
#include "kernels/elementwise/pointwise.cuh"

namespace iolaus {
namespace {

template <class Op> void run(const Pointwise& p) {
  visit_dtype(domain_types<Op>(), Op::kName, p.dtypes[1],
              [&]<class T>() { gpu::pointwise(p, p.get_op<Op>(), gpu::Types<T, T>{}); });
}

template <class... Ops> bool add_all(ops::OpList<Ops...>) {
  return (elementwise_kernels<Ops>().add({"cuda", kCUDA, domain_dtypes<Ops>(), run<Ops>, 1}) &&
          ...);
}
const bool kRegistered = add_all(ops::UnaryOps{});

}  // namespace
}  // namespace iolaus
