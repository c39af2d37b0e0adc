// Binary operations on the CPU.
#include "kernels/elementwise/cpu_loop.h"
#include "kernels/elementwise/domain.h"

namespace iolaus {
namespace {

template <class Op> void run(const Pointwise& p) {
  visit_dtype(domain_types<Op>(), Op::kName, p.compute,
              [&]<class T>() { cpu::pointwise(p, p.get_op<Op>(), cpu::Types<T, T, T>{}); });
}

template <class... Ops> bool add_all(ops::OpList<Ops...>) {
  return (elementwise_kernels<Ops>().add({"cpu", kCPU, domain_dtypes<Ops>(), run<Ops>, 1}) && ...);
}
const bool kRegistered = add_all(ops::BinaryOps{}) && add_all(ops::BitwiseOps{});

}  // namespace
}  // namespace iolaus
