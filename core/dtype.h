// DType: the element types of tensors, their properties, PyTorch's promotion rules, and the step
// from a run-time dtype to a compile-time type (visit_dtype).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "core/error.h"
#include "core/half.h"

namespace iolaus {

enum class DType : uint8_t {
  kBool,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
};
using enum DType;
inline constexpr int kDTypeCount = 10;

/// Size of one element in bytes.
constexpr size_t item_size(DType dtype) {
  constexpr size_t kSizes[kDTypeCount] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
  return kSizes[static_cast<int>(dtype)];
}
constexpr bool is_floating(DType dtype) { return dtype >= kFloat16; }
constexpr bool is_integral(DType dtype) { return dtype > kBool && dtype < kFloat16; }

/// PyTorch's name without "torch.": "float32", "bfloat16", "int64", "bool", ...
const char* dtype_name(DType dtype);
/// The dtype of a name ("float32", also "float", "double", "half", "long", "int", "bf16" and with
/// "torch." ahead). Errors: kInvalidArgument with the names that exist.
DType parse_dtype(std::string_view name);

/// The dtype that an operation between tensors of both dtypes computes in
/// (torch.promote_types): floating beats integral beats bool; the wider one wins; float16 with
/// bfloat16 gives float32, uint8 with a signed type the next wider signed type.
DType promote_types(DType a, DType b);

namespace detail {
template <class T> struct DTypeOf;
template <> struct DTypeOf<bool> { static constexpr DType value = kBool; };
template <> struct DTypeOf<uint8_t> { static constexpr DType value = kUInt8; };
template <> struct DTypeOf<int8_t> { static constexpr DType value = kInt8; };
template <> struct DTypeOf<int16_t> { static constexpr DType value = kInt16; };
template <> struct DTypeOf<int32_t> { static constexpr DType value = kInt32; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = kInt64; };
template <> struct DTypeOf<Half> { static constexpr DType value = kFloat16; };
template <> struct DTypeOf<BFloat16> { static constexpr DType value = kBFloat16; };
template <> struct DTypeOf<float> { static constexpr DType value = kFloat32; };
template <> struct DTypeOf<double> { static constexpr DType value = kFloat64; };
[[noreturn]] void unsupported_dtype(const char* op, DType dtype);
}  // namespace detail

template <class T> inline constexpr DType dtype_of = detail::DTypeOf<T>::value;

/// The type that arithmetic on T is done in: float for the 16-bit floats, else T itself.
template <class T>
using MathType =
    std::conditional_t<std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>, float, T>;

template <class... Ts> struct TypeList {};
using FloatTypes = TypeList<float, double, Half, BFloat16>;
using IntegerTypes = TypeList<uint8_t, int8_t, int16_t, int32_t, int64_t>;
using AllTypes =
    TypeList<float, double, Half, BFloat16, bool, uint8_t, int8_t, int16_t, int32_t, int64_t>;

/// Calls fn.template operator()<T>() with the type of dtype, which must be in the list.
/// Errors: kType, "[op] does not support dtype int8".
template <class... Ts, class Fn>
void visit_dtype(TypeList<Ts...>, const char* op, DType dtype, Fn&& fn) {
  const bool found =
      ((dtype == dtype_of<Ts> ? (fn.template operator()<Ts>(), true) : false) || ...);
  if (!found) [[unlikely]]
    detail::unsupported_dtype(op, dtype);
}

}  // namespace iolaus
