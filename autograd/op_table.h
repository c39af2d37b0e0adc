// The table of ops by name: what `iolaus op`, the vectors of PyTorch and bindings call ops through.
// Each op is registered beside its definition, one line an overload:
//
//   const bool kBoxed = boxed("softmax(Tensor input, int dim) -> Tensor", softmax);
//
// The schema is PyTorch's: positional and keyword-only (after *) arguments, PyTorch's names,
// defaults; T? may be None, T[] is a list, int[2] is a list of two, of one number for both, or that
// number itself. The unboxing is derived from the function's signature; a test compares it with the
// schema. The overloads of in-place forms (exp_) and the argument out come from op_forms.h. Schemas
// are parsed when they are first needed, not while the program starts.
#pragma once

#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "autograd/op_value.h"

namespace iolaus {

struct OpForm;

struct OpArgument {
  std::string name;
  std::string kind;       // "Tensor", "int", "float", "Scalar", "int[]", "dtype", ...
  bool optional = false;  // may be None
  int64_t repeat = 0;     // int[2]: one number stands for so many
  bool keyword = false;   // by name only
  bool required = true;
  OpValue default_value;
};

/// One overload of an op.
struct OpSchema {
  std::string name, text;
  std::vector<OpArgument> arguments;
  std::vector<std::string> results;    // "Tensor" for each result, or one "Tensor[]"
  std::vector<std::string> signature;  // kinds of the C++ parameters
  void (*function)();
  Tensors (*call)(void (*function)(), const OpValue* arguments);
  const OpForm* form = nullptr;  // the op's row in op_forms.h; null: it has no other form
  bool in_place = false;         // this is the in-place form: it changes the first argument
};

/// Reads a schema. Errors: kInternal, for a text that is none.
OpSchema parse_schema(std::string_view text);

using NamedValues = std::vector<std::pair<std::string, OpValue>>;

/// Calls the first overload of op that the arguments fit. A named `out` takes the result of an op
/// that has such a form (see ops/out.h); dtype and device are then out's where none are given.
/// Errors: kNotFound for an op or argument
/// that is not there, with near names; kInvalidArgument for a missing one; kType for one of another
/// type; and those of the op.
Tensors call_op(const std::string& op, const std::vector<OpValue>& positional,
                const NamedValues& named = {});
/// All overloads of an op, or of what its name is an alias of. Errors: kNotFound, with near names.
const std::vector<OpSchema>& find_op(const std::string& op);
/// Names of all ops, sorted; without aliases.
std::vector<std::string> op_names();
/// PyTorch's second names: each with the op that it is.
const std::map<std::string, std::string>& op_aliases();

namespace detail {
struct BoxedEntry {
  const char* schema;
  void (*function)();
  Tensors (*call)(void (*function)(), const OpValue* arguments);
  const char* const* kinds;
  size_t count;
};
bool register_boxed(const BoxedEntry& entry);

template <class T> using Bare = std::remove_cvref_t<T>;

template <class R, class... A> struct Boxed {
  static constexpr const char* kKinds[] = {Unbox<Bare<A>>::kKind..., nullptr};
  static Tensors call(void (*function)(), const OpValue* values) {
    return with(reinterpret_cast<R (*)(A...)>(function), values, std::index_sequence_for<A...>{});
  }
  template <size_t... I>
  static Tensors with(R (*fn)(A...), [[maybe_unused]] const OpValue* values,
                      std::index_sequence<I...>) {
    return results(fn(Unbox<Bare<A>>::get(values[I])...));
  }
};
}  // namespace detail

/// Registers one overload. Returns true, for a static. A lambda without captures goes by unary +.
template <class R, class... A> bool boxed(const char* schema, R (*function)(A...)) {
  using Box = detail::Boxed<R, A...>;
  return detail::register_boxed(
      {schema, reinterpret_cast<void (*)()>(function), Box::call, Box::kKinds, sizeof...(A)});
}

}  // namespace iolaus
