// Comparisons and predicates (to bool) and where on the CPU.
#include "kernels/elementwise/cpu_loop.h"
#include "kernels/elementwise/domain.h"

namespace iolaus {
namespace {

template <class Op> void run(const Pointwise& p) {
  visit_dtype(AllTypes{}, Op::kName, p.compute,
              [&]<class T>() { cpu::pointwise(p, p.get_op<Op>(), cpu::Types<bool, T, T>{}); });
}
void run_where(const Pointwise& p) {
  visit_dtype(AllTypes{}, "where", p.compute,
              [&]<class T>() { cpu::pointwise(p, ops::Where{}, cpu::Types<T, bool, T, T>{}); });
}

template <class Op> void run_predicate(const Pointwise& p) {
  visit_dtype(AllTypes{}, Op::kName, p.compute,
              [&]<class T>() { cpu::pointwise(p, Op{}, cpu::Types<bool, T>{}); });
}

template <class... Ops> bool add_all(ops::OpList<Ops...>) {
  return (elementwise_kernels<Ops>().add({"cpu", kCPU, domain_dtypes<Ops>(), run<Ops>, 1}) && ...);
}
template <class... Ops> bool add_predicates(ops::OpList<Ops...>) {
  return (
      elementwise_kernels<Ops>().add({"cpu", kCPU, dtypes_of(AllTypes{}), run_predicate<Ops>, 1}) &&
      ...);
}
const bool kRegistered = add_all(ops::CompareOps{}) && add_predicates(ops::PredicateOps{});
const bool kWhere =
    elementwise_kernels<ops::Where>().add({"cpu", kCPU, dtypes_of(AllTypes{}), run_where, 1});

}  // namespace
}  // namespace iolaus
