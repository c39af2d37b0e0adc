// Operations of three tensors of one dtype on CUDA.
#include "kernels/elementwise/domain.h"
#include "kernels/elementwise/pointwise.cuh"

namespace iolaus {
namespace {

template <class Op> void run(const Pointwise& p) {
  visit_dtype(domain_types<Op>(), Op::kName, p.compute,
              [&]<class T>() { gpu::pointwise(p, p.get_op<Op>(), gpu::Types<T, T, T, T>{}); });
}

template <class... Ops> bool add_all(ops::OpList<Ops...>) {
  return (elementwise_kernels<Ops>().add({"cuda", kCUDA, domain_dtypes<Ops>(), run<Ops>, 1}) &&
          ...);
}
const bool kRegistered = add_all(ops::TernaryOps{});

}  // namespace
}  // namespace iolaus
