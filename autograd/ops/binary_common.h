// What the files of binary and ternary ops share: the dtype and the shape of a result, casts, and
// the op of a functor.
#pragma once

#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise_common.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/widen.h"

namespace iolaus::detail {

inline int kind(DType dtype) { return dtype == kBool ? 0 : is_floating(dtype) ? 2 : 1; }

// A dtype with less say: of 0-dim tensors and numbers.
inline DType combine(DType strong, DType weak) { return kind(weak) > kind(strong) ? weak : strong; }

inline DType common_dtype(const Value& a, const Value& b) {
  if (a.tensor && b.tensor) return result_type(*a.tensor, *b.tensor);
  return a.tensor ? result_type(*a.tensor, b.number) : result_type(*b.tensor, a.number);
}

// The running form's destination, or a new tensor of the given shape, with the layout of the first
// operand that has that shape.
inline Tensor empty_result(const char* op, const Dims& shape, DType dtype, Device device,
                           std::initializer_list<const Tensor*> operands) {
  if (Tensor out = claim(op, shape, dtype, device); out.defined()) return out;
  for (const Tensor* like : operands) {
    if (like == nullptr || !(like->sizes() == shape)) continue;
    if (like->is_contiguous()) break;
    const Tensor dense = empty_like(*like);
    if (dense.dtype() == dtype) return dense;
    return empty_strided(shape, dense.strides(), {.dtype = dtype, .device = device});
  }
  return empty(shape, {.dtype = dtype, .device = device});
}
inline Tensor empty_result(const char* op, const Value& a, const Value& b, DType dtype) {
  const Tensor& first = a.tensor ? *a.tensor : *b.tensor;
  const bool same = !a.tensor || !b.tensor || a.tensor->sizes() == b.tensor->sizes();
  return empty_result(
      op, same ? first.sizes() : broadcast_shapes(op, a.tensor->sizes(), b.tensor->sizes()), dtype,
      first.device(), {a.tensor, b.tensor});
}

// Calls fn(a, b) with tensors cast to dtype; numbers pass through.
template <class Fn> auto with_casts(const Value& a, const Value& b, DType dtype, Fn&& fn) {
  const bool cast_a = a.tensor && a.tensor->dtype() != dtype;
  const bool cast_b = b.tensor && b.tensor->dtype() != dtype;
  if (!cast_a && !cast_b) return fn(a, b);
  const Tensor ca = cast_a ? to(*a.tensor, dtype) : Tensor();
  const Tensor cb = cast_b ? to(*b.tensor, dtype) : Tensor();
  return fn(cast_a ? Value(ca) : a, cast_b ? Value(cb) : b);
}

template <class Op> Tensor binary_same_dtype(const Value& a, const Value& b, DType dtype) {
  if constexpr (Op::kSaves == ops::SavesBinary::kBoth) {
    const bool lost = (a.tensor && overwritten(*a.tensor)) || (b.tensor && overwritten(*b.tensor));
    if (lost && needs_grad(a.tensor ? *a.tensor : Tensor(), b.tensor ? *b.tensor : Tensor())) {
      const Tensor ka = a.tensor ? kept(*a.tensor) : Tensor();
      const Tensor kb = b.tensor ? kept(*b.tensor) : Tensor();
      return binary_same_dtype<Op>(a.tensor ? Value(ka) : a, b.tensor ? Value(kb) : b, dtype);
    }
  }
  Tensor out = empty_result(Op::kName, a, b, dtype);
  launch(Op{}, dtype, out, operand(a, dtype), operand(b, dtype));
  const Tensor none;
  const Tensor &ta = a.tensor ? *a.tensor : none, &tb = b.tensor ? *b.tensor : none;
  if (!needs_grad(ta, tb)) return out;
  if constexpr (Op::kSaves == ops::SavesBinary::kNothing) {
    record(Op::kName, out, edges(ta, tb),
           [sa = ta.defined() ? ta.sizes() : Dims(), sb = tb.defined() ? tb.sizes() : Dims()](
               const Node& n, const Tensor& g) {
             const Tensor unused;
             return std::array{
                 n.needs(0) ? sum_to(Op{}.backward_a(g, unused, unused), sa) : Tensor(),
                 n.needs(1) ? sum_to(Op{}.backward_b(g, unused, unused), sb) : Tensor()};
           });
  } else {
    // A number is kept as a 0-dim tensor, so that the formulas need no second form.
    const TensorOptions options{.dtype = dtype, .device = out.device()};
    const Tensor ka = a.tensor ? ta : scalar_tensor(a.number, options);
    const Tensor kb = b.tensor ? tb : scalar_tensor(b.number, options);
    record(Op::kName, out, edges(ta, tb),
           [a = save(ka), b = save(kb)](const Node& n, const Tensor& g) {
             const Tensor x = a(n), y = b(n);
             if (is_short_float(g) && !(x.sizes() == y.sizes())) {  // summed before it is rounded
               const Tensor wg = widened(g), wx = widened(x), wy = widened(y);
               const auto back = [&](const Tensor& wide, const Tensor& like) {
                 return to(sum_to(wide, like.sizes()), like.dtype());
               };
               return std::array{n.needs(0) ? back(Op{}.backward_a(wg, wx, wy), x) : Tensor(),
                                 n.needs(1) ? back(Op{}.backward_b(wg, wx, wy), y) : Tensor()};
             }
             return std::array{n.needs(0) ? sum_to(Op{}.backward_a(g, x, y), x.sizes()) : Tensor(),
                               n.needs(1) ? sum_to(Op{}.backward_b(g, x, y), y.sizes()) : Tensor()};
           });
  }
  return out;
}

template <class Op> Tensor binary(const Value& a, const Value& b) {
  const DType dtype = compute_dtype(common_dtype(a, b), Op::kDomain);
  IOLAUS_CHECK_CODE(dtype != kBool || Op::kTakesBool, ErrorCode::kType,
                    "[{}] does not support bool; use logical ops, or convert with to()", Op::kName);
  return with_casts(a, b, dtype, [&](const Value& x, const Value& y) {
    return binary_same_dtype<Op>(x, y, dtype);
  });
}

template <class Op> Tensor compare(const Value& a, const Value& b) {
  const NoGrad no_grad;
  const DType dtype = common_dtype(a, b);
  return with_casts(a, b, dtype, [&](const Value& x, const Value& y) {
    Tensor out = empty_result(Op::kName, x, y, kBool);
    launch(Op{}, dtype, out, operand(x, dtype), operand(y, dtype));
    return out;
  });
}

}  // namespace iolaus::detail
