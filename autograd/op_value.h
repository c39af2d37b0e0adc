// OpValue: an argument of an op whose type is known at run time only: what a command line, a file
// or a binding to another language hands over. Unbox<T> is how a C++ parameter takes one.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "autograd/index.h"
#include "core/scalar.h"
#include "core/tensor.h"

namespace iolaus {

using Ints = std::vector<int64_t>;
using Floats = std::vector<double>;
/// monostate is PyTorch's None.
using OpValue = std::variant<std::monostate, bool, int64_t, double, std::string, Ints, Floats,
                             DType, Device, Tensor, Tensors, Indices>;

/// "None", "int", "Tensor[]" and so on, as schemas call it.
const char* value_kind(const OpValue& value);
/// For messages: kind and content ("int 3", "str 'mean'", "Tensor float32[2, 3] on cpu").
std::string describe_value(const OpValue& value);

namespace detail {

/// How a parameter of type T takes an OpValue that was already brought to the kind kKind (or is
/// None, where the schema allows it).
template <class T> struct Unbox;
template <class T> struct UnboxAs {
  static const T& get(const OpValue& v) { return std::get<T>(v); }
};
template <> struct Unbox<bool> : UnboxAs<bool> { static constexpr const char* kKind = "bool"; };
template <> struct Unbox<int64_t> : UnboxAs<int64_t> {
  static constexpr const char* kKind = "int";
};
template <> struct Unbox<double> : UnboxAs<double> {
  static constexpr const char* kKind = "float";
};
template <> struct Unbox<std::string> : UnboxAs<std::string> {
  static constexpr const char* kKind = "str";
};
template <> struct Unbox<DType> : UnboxAs<DType> { static constexpr const char* kKind = "dtype"; };
template <> struct Unbox<Device> : UnboxAs<Device> {
  static constexpr const char* kKind = "device";
};
template <> struct Unbox<Floats> : UnboxAs<Floats> {
  static constexpr const char* kKind = "float[]";
};
template <> struct Unbox<Indices> : UnboxAs<Indices> {
  static constexpr const char* kKind = "Index[]";
};
template <> struct Unbox<Tensors> : UnboxAs<Tensors> {
  static constexpr const char* kKind = "Tensor[]";
};
/// None is an undefined tensor.
template <> struct Unbox<Tensor> {
  static constexpr const char* kKind = "Tensor";
  static Tensor get(const OpValue& v) {
    const Tensor* tensor = std::get_if<Tensor>(&v);
    return tensor ? *tensor : Tensor();
  }
};
/// None is an empty list, which the ops that take dims read as "all of them".
template <> struct Unbox<Dims> {
  static constexpr const char* kKind = "int[]";
  static Dims get(const OpValue& v) {
    const Ints* list = std::get_if<Ints>(&v);
    return list ? Dims(*list) : Dims();
  }
};
template <> struct Unbox<Ints> : UnboxAs<Ints> { static constexpr const char* kKind = "int[]"; };
template <> struct Unbox<Scalar> {
  static constexpr const char* kKind = "Scalar";
  static Scalar get(const OpValue& v) {
    if (const bool* b = std::get_if<bool>(&v)) return *b;
    if (const int64_t* i = std::get_if<int64_t>(&v)) return *i;
    return std::get<double>(v);
  }
};
template <class T> struct Unbox<std::optional<T>> {
  static constexpr const char* kKind = Unbox<T>::kKind;
  static std::optional<T> get(const OpValue& v) {
    if (std::holds_alternative<std::monostate>(v)) return {};
    return Unbox<T>::get(v);
  }
};

template <class... Ts> Tensors results(const std::tuple<Ts...>& outs) {
  return std::apply([](const auto&... t) { return Tensors{t...}; }, outs);
}
template <class A, class B> Tensors results(const std::pair<A, B>& outs) {
  return {outs.first, outs.second};
}
inline Tensors results(const Tensor& out) { return {out}; }
inline Tensors results(Tensors&& outs) { return std::move(outs); }

}  // namespace detail
}  // namespace iolaus
