// The truth for all elementwise operations: one element after the other, floating types in double.
#include "kernels/elementwise/domain.h"

namespace iolaus {
namespace {

// Each operand as it is loaded: floating types as double, the others as they are.
template <class T> auto load(const Pointwise& p, int operand, int64_t at) {
  const void* base = p.data[operand] != nullptr ? p.data[operand] : p.immediate[operand];
  const T value = static_cast<const T*>(base)[at];
  if constexpr (is_floating(dtype_of<T>)) {
    return static_cast<double>(static_cast<MathType<T>>(value));
  } else {
    return value;
  }
}

// Calls fn(offsets of all operands) for every element.
template <class Fn> void for_each_offset(const Pointwise& p, Fn&& fn) {
  for (int64_t i = 0; i < p.numel; ++i) {
    int64_t rest = i, at[kMaxOperands] = {};
    for (int d = p.rank - 1; d >= 0; --d) {
      const int64_t index = rest % p.sizes[d];
      rest /= p.sizes[d];
      for (int k = 0; k < p.operands; ++k) at[k] += index * p.strides[k][d];
    }
    fn(at);
  }
}

template <class Out, class... Ins, class Op> void run_typed(const Pointwise& p, const Op& op) {
  for_each_offset(p, [&](const int64_t* at) {
    const auto value = [&]<size_t... I>(std::index_sequence<I...>) {
      return op(load<Ins>(p, I + 1, at[I + 1])...);
    }
    (std::index_sequence_for<Ins...>{});
    if constexpr (is_floating(dtype_of<Out>)) {
      static_cast<Out*>(p.data[0])[at[0]] = static_cast<Out>(static_cast<MathType<Out>>(value));
    } else {
      static_cast<Out*>(p.data[0])[at[0]] = static_cast<Out>(value);
    }
  });
}

template <class Op> void run_unary(const Pointwise& p) {
  visit_dtype(domain_types<Op>(), Op::kName, p.compute,
              [&]<class T>() { run_typed<T, T>(p, p.get_op<Op>()); });
}
template <class Op> void run_backward(const Pointwise& p) {
  visit_dtype(FloatTypes{}, Op::kName, p.compute, [&]<class T>() {
    const Op op = p.get_op<Op>();
    run_typed<T, T, T>(p, [&](double g, double saved) { return op.backward(g, saved); });
  });
}
template <class Op> void run_binary(const Pointwise& p) {
  visit_dtype(domain_types<Op>(), Op::kName, p.compute,
              [&]<class T>() { run_typed<T, T, T>(p, p.get_op<Op>()); });
}
template <class Op> void run_compare(const Pointwise& p) {
  visit_dtype(AllTypes{}, Op::kName, p.compute,
              [&]<class T>() { run_typed<bool, T, T>(p, p.get_op<Op>()); });
}
template <class Op> void run_predicate(const Pointwise& p) {
  visit_dtype(AllTypes{}, Op::kName, p.compute, [&]<class T>() { run_typed<bool, T>(p, Op{}); });
}
template <class Op> void run_ternary(const Pointwise& p) {
  visit_dtype(domain_types<Op>(), Op::kName, p.compute,
              [&]<class T>() { run_typed<T, T, T, T>(p, p.get_op<Op>()); });
}
void run_where(const Pointwise& p) {
  visit_dtype(AllTypes{}, "where", p.compute,
              [&]<class T>() { run_typed<T, bool, T, T>(p, ops::Where{}); });
}

template <class... Ops> bool add_unary(ops::OpList<Ops...>) {
  (elementwise_kernels<Ops>().add({"reference", kCPU, domain_dtypes<Ops>(), run_unary<Ops>}), ...);
  return (elementwise_backward_kernels<Ops>().add(
              {"reference", kCPU, dtypes_of(FloatTypes{}), run_backward<Ops>}) &&
          ...);
}
template <class... Ops> bool add_binary(ops::OpList<Ops...>) {
  return (
      elementwise_kernels<Ops>().add({"reference", kCPU, domain_dtypes<Ops>(), run_binary<Ops>}) &&
      ...);
}
template <class... Ops> bool add_compare(ops::OpList<Ops...>) {
  return (
      elementwise_kernels<Ops>().add({"reference", kCPU, domain_dtypes<Ops>(), run_compare<Ops>}) &&
      ...);
}
template <class... Ops> bool add_predicates(ops::OpList<Ops...>) {
  return (elementwise_kernels<Ops>().add(
              {"reference", kCPU, dtypes_of(AllTypes{}), run_predicate<Ops>}) &&
          ...);
}
template <class... Ops> bool add_ternary(ops::OpList<Ops...>) {
  return (
      elementwise_kernels<Ops>().add({"reference", kCPU, domain_dtypes<Ops>(), run_ternary<Ops>}) &&
      ...);
}
const bool kUnary = add_unary(ops::AllUnaryOps{});
const bool kBinary = add_binary(ops::BinaryOps{}) && add_binary(ops::BitwiseOps{});
const bool kCompare = add_compare(ops::CompareOps{}) && add_predicates(ops::PredicateOps{});
const bool kTernary = add_ternary(ops::TernaryOps{});
const bool kWhere =
    elementwise_kernels<ops::Where>().add({"reference", kCPU, dtypes_of(AllTypes{}), run_where});

}  // namespace
}  // namespace iolaus
