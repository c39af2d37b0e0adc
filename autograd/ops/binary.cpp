// Binary ops, comparisons and where. The gradients are the functors' formulas on Tensors, summed to
// the operands' shapes where broadcasting stretched them.
#include "autograd/op_registry.h"
#include "autograd/ops/elementwise_common.h"
#include "autograd/ops/reduce.h"

namespace iolaus {
namespace {

using detail::Value;

int kind(DType dtype) { return dtype == kBool ? 0 : is_floating(dtype) ? 2 : 1; }

// A dtype with less say: of 0-dim tensors and numbers.
DType combine(DType strong, DType weak) { return kind(weak) > kind(strong) ? weak : strong; }

DType common_dtype(const Value& a, const Value& b) {
  if (a.tensor && b.tensor) return result_type(*a.tensor, *b.tensor);
  return a.tensor ? result_type(*a.tensor, b.number) : result_type(*b.tensor, a.number);
}

// The shape of the result, with the layout of an operand that has it already.
Tensor empty_result(const char* op, const Value& a, const Value& b, DType dtype) {
  const Tensor* like = a.tensor ? a.tensor : b.tensor;
  if (a.tensor && b.tensor && !(a.tensor->sizes() == b.tensor->sizes())) {
    const Dims shape = broadcast_shapes(op, a.tensor->sizes(), b.tensor->sizes());
    like = a.tensor->sizes() == shape ? a.tensor : b.tensor->sizes() == shape ? b.tensor : nullptr;
    if (like == nullptr) return empty(shape, {.dtype = dtype, .device = a.tensor->device()});
  }
  if (like->is_contiguous())
    return empty(like->sizes(), {.dtype = dtype, .device = like->device()});
  const Tensor dense = empty_like(*like);
  if (dense.dtype() == dtype) return dense;
  return empty_strided(dense.sizes(), dense.strides(), {.dtype = dtype, .device = like->device()});
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
  Tensor out = empty_result(Op::kName, a, b, dtype);
  detail::launch(Op{}, dtype, out, detail::operand(a, dtype), detail::operand(b, dtype));
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
             return std::array{n.needs(0) ? sum_to(Op{}.backward_a(g, x, y), x.sizes()) : Tensor(),
                               n.needs(1) ? sum_to(Op{}.backward_b(g, x, y), y.sizes()) : Tensor()};
           });
  }
  return out;
}

template <class Op> Tensor binary(const Value& a, const Value& b) {
  const DType dtype = detail::compute_dtype(common_dtype(a, b), Op::kDomain);
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
    detail::launch(Op{}, dtype, out, detail::operand(x, dtype), detail::operand(y, dtype));
    return out;
  });
}

template <class Op> bool register_binary() {
  return register_op({Op::kName, [] {
                        const auto fn = [](const Tensors& x) { return binary<Op>(x[0], x[1]); };
                        const auto input = [](const Dims& sizes, uint64_t seed,
                                              bool strided = false) {
                          return sample64(sizes, seed, Op::kLow, Op::kHigh, strided);
                        };
                        return std::vector<OpSample>{
                            {"dense", {input({3, 4}, 1), input({3, 4}, 2)}, fn},
                            {"strided", {input({3, 4}, 1, true), input({3, 4}, 2)}, fn},
                            {"row", {input({3, 4}, 1), input({4}, 2)}, fn},
                            {"column", {input({3, 1}, 1), input({3, 4}, 2)}, fn},
                            {"both", {input({2, 1, 4}, 1), input({3, 1}, 2)}, fn},
                            {"0-dim", {input({}, 1), input({3, 4}, 2)}, fn},
                            {"empty", {input({0, 4}, 1), input({4}, 2)}, fn},
                            {"number right",
                             {input({3, 4}, 1)},
                             [](const Tensors& x) { return binary<Op>(x[0], Scalar(2.5)); }},
                            {"number left", {input({3, 4}, 1)}, [](const Tensors& x) {
                               return binary<Op>(Scalar(2.5), x[0]);
                             }}};
                      }});
}
template <class... Ops> bool register_all(ops::OpList<Ops...>) {
  return (register_binary<Ops>() && ...);
}
const bool kBinary = register_all(ops::BinaryOps{});
const bool kWhere =
    register_op({"where", [] {
                   const auto fn = [](const Tensors& x) { return where(x[0], x[1], x[2]); };
                   const Tensor condition = from_values<bool>({true, false, false, true}, {4});
                   return std::vector<OpSample>{
                       {"row condition", {condition, sample64({3, 4}, 1), sample64({3, 4}, 2)}, fn},
                       {"broadcast", {condition, sample64({3, 1}, 1), sample64({}, 2)}, fn}};
                 }});

}  // namespace

DType result_type(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype()) return a.dtype();
  if ((a.dim() == 0) == (b.dim() == 0)) return promote_types(a.dtype(), b.dtype());
  return a.dim() == 0 ? combine(b.dtype(), a.dtype()) : combine(a.dtype(), b.dtype());
}

DType result_type(const Tensor& a, Scalar b) {
  const DType number = b.is_floating() ? kFloat32 : b.dtype();  // the default dtype of its kind
  return combine(a.dtype(), number);
}

Tensor add(const Tensor& a, const Tensor& b) { return binary<ops::Add>(a, b); }
Tensor add(const Tensor& a, Scalar b) { return binary<ops::Add>(a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return binary<ops::Sub>(a, b); }
Tensor sub(const Tensor& a, Scalar b) { return binary<ops::Sub>(a, b); }
Tensor sub(Scalar a, const Tensor& b) { return binary<ops::Sub>(a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return binary<ops::Mul>(a, b); }
Tensor mul(const Tensor& a, Scalar b) { return binary<ops::Mul>(a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return binary<ops::Div>(a, b); }
Tensor div(const Tensor& a, Scalar b) { return binary<ops::Div>(a, b); }
Tensor div(Scalar a, const Tensor& b) { return binary<ops::Div>(a, b); }
Tensor pow(const Tensor& a, const Tensor& b) { return binary<ops::Pow>(a, b); }
Tensor pow(const Tensor& a, Scalar b) { return binary<ops::Pow>(a, b); }
Tensor pow(Scalar a, const Tensor& b) { return binary<ops::Pow>(a, b); }
Tensor maximum(const Tensor& a, const Tensor& b) { return binary<ops::Maximum>(a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return binary<ops::Minimum>(a, b); }

Tensor eq(const Tensor& a, const Tensor& b) { return compare<ops::Eq>(a, b); }
Tensor eq(const Tensor& a, Scalar b) { return compare<ops::Eq>(a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return compare<ops::Ne>(a, b); }
Tensor ne(const Tensor& a, Scalar b) { return compare<ops::Ne>(a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return compare<ops::Lt>(a, b); }
Tensor lt(const Tensor& a, Scalar b) { return compare<ops::Lt>(a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return compare<ops::Le>(a, b); }
Tensor le(const Tensor& a, Scalar b) { return compare<ops::Le>(a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return compare<ops::Gt>(a, b); }
Tensor gt(const Tensor& a, Scalar b) { return compare<ops::Gt>(a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return compare<ops::Ge>(a, b); }
Tensor ge(const Tensor& a, Scalar b) { return compare<ops::Ge>(a, b); }
Tensor logical_and(const Tensor& a, const Tensor& b) { return compare<ops::LogicalAnd>(a, b); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return compare<ops::LogicalOr>(a, b); }

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  IOLAUS_CHECK_CODE(condition.dtype() == kBool, ErrorCode::kType,
                    "[where] expected a bool condition, got {}", condition.describe());
  const DType dtype = result_type(a, b);
  const Tensor x = to(a, dtype), y = to(b, dtype);
  const Dims shape =
      broadcast_shapes("where", condition.sizes(), broadcast_shapes("where", x.sizes(), y.sizes()));
  Tensor out = empty(shape, {.dtype = dtype, .device = x.device()});
  detail::launch(ops::Where{}, dtype, out, Operand{&condition}, Operand{&x}, Operand{&y});
  if (needs_grad(x, y)) {
    record("where", out, edges(x, y),
           [c = save(condition), sx = x.sizes(), sy = y.sizes()](const Node& n, const Tensor& g) {
             const Tensor zero = scalar_tensor(0, g.options()), mask = c(n);
             return std::array{n.needs(0) ? sum_to(where(mask, g, zero), sx) : Tensor(),
                               n.needs(1) ? sum_to(where(mask, zero, g), sy) : Tensor()};
           });
  }
  return out;
}

}  // namespace iolaus
