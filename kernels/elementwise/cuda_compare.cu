// Comparisons and predicates (to bool) and where on CUDA. where only moves elements, so one kernel
// for each size of element serves all dtypes.
#include "kernels/elementwise/domain.h"
#include "kernels/elementwise/pointwise.cuh"

namespace iolaus {
namespace {

template <class Op> void run(const Pointwise& p) {
  visit_dtype(AllTypes{}, Op::kName, p.compute,
              [&]<class T>() { gpu::pointwise(p, p.get_op<Op>(), gpu::Types<bool, T, T>{}); });
}

using BitTypes = TypeList<uint8_t, int16_t, int32_t, int64_t>;
constexpr DType kBitTypes[] = {kUInt8, kInt16, kInt32, kInt64};

void run_where(const Pointwise& p) {
  const DType bits = kBitTypes[__builtin_ctzll(item_size(p.compute))];
  visit_dtype(BitTypes{}, "where", bits, [&]<class T>() {
    gpu::pointwise_as<true>(p, ops::Where{}, gpu::Types<T, bool, T, T>{});
  });
}

template <class Op> void run_predicate(const Pointwise& p) {
  visit_dtype(AllTypes{}, Op::kName, p.compute,
              [&]<class T>() { gpu::pointwise(p, Op{}, gpu::Types<bool, T>{}); });
}

template <class... Ops> bool add_all(ops::OpList<Ops...>) {
  return (elementwise_kernels<Ops>().add({"cuda", kCUDA, domain_dtypes<Ops>(), run<Ops>, 1}) &&
          ...);
}
template <class... Ops> bool add_predicates(ops::OpList<Ops...>) {
  return (elementwise_kernels<Ops>().add(
              {"cuda", kCUDA, dtypes_of(AllTypes{}), run_predicate<Ops>, 1}) &&
          ...);
}
const bool kRegistered = add_all(ops::CompareOps{}) && add_predicates(ops::PredicateOps{});
const bool kWhere =
    elementwise_kernels<ops::Where>().add({"cuda", kCUDA, dtypes_of(AllTypes{}), run_where, 1});

}  // namespace
}  // namespace iolaus
