// Which dtypes an operation of the tables is registered for.
#pragma once

#include <algorithm>

#include "kernels/elementwise/elementwise.h"

namespace iolaus {

using NumberTypes =
    TypeList<float, double, Half, BFloat16, uint8_t, int8_t, int16_t, int32_t, int64_t>;
using BitwiseTypes = TypeList<bool, uint8_t, int8_t, int16_t, int32_t, int64_t>;

/// The element types of Op's operands, as a TypeList.
template <class Op> constexpr auto domain_types() {
  if constexpr (Op::kDomain == ops::Domain::kBits) {
    return BitwiseTypes{};
  } else if constexpr (requires { Op::kTakesBool; }) {
    if constexpr (Op::kDomain == ops::Domain::kFloat) {
      return FloatTypes{};
    } else if constexpr (Op::kTakesBool) {
      return AllTypes{};
    } else {
      return NumberTypes{};
    }
  } else if constexpr (std::is_base_of_v<ops::CompareOp, Op> ||
                       std::is_base_of_v<ops::PredicateOp, Op>) {
    return AllTypes{};
  } else {
    if constexpr (Op::kDomain == ops::Domain::kFloat) {
      return FloatTypes{};
    } else {
      return NumberTypes{};
    }
  }
}

template <class... Ts> std::vector<DType> dtypes_of(TypeList<Ts...>) { return {dtype_of<Ts>...}; }
/// The same as run-time dtypes.
template <class Op> std::vector<DType> domain_dtypes() { return dtypes_of(domain_types<Op>()); }

}  // namespace iolaus
