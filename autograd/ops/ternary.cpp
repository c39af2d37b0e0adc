// Ops of three operands: where, masked_fill, clamp between tensors, addcmul, addcdiv and lerp.
#include "autograd/autocast.h"
#include "autograd/ops/binary_common.h"
#include "autograd/ops/widen.h"

namespace iolaus {
namespace {

DType common_dtype(const Tensor& a, const Tensor& b, const Tensor& c) {
  const DType dtype = result_type(a, b);
  return result_type(empty(a.dim() > b.dim() ? Dims::filled(a.sizes().size(), 0)
                                             : Dims::filled(b.sizes().size(), 0),
                           {.dtype = dtype}),
                     c);
}

// op(a, b, c) of one dtype, broadcast, without a gradient.
template <class Op>
Tensor ternary(const Op& op, const Tensor& a, const Tensor& b, const Tensor& c) {
  const NoGrad no_grad;
  const Dims sizes =
      broadcast_shapes(Op::kName, a.sizes(), broadcast_shapes(Op::kName, b.sizes(), c.sizes()));
  const Tensor out = detail::empty_result(Op::kName, sizes, a.dtype(), a.device(), {&a, &b, &c});
  detail::launch(op, a.dtype(), out, Operand{&a}, Operand{&b}, Operand{&c});
  return out;
}

// In dtype, and apart from what an in-place form is about to overwrite where backward wants it.
Tensor saved(const Tensor& x, DType dtype, bool tracked) {
  return to(tracked ? detail::kept(x) : x, dtype);
}

void check_value(const char* op, DType dtype, Scalar value) {
  IOLAUS_CHECK_CODE(is_floating(dtype) || !value.is_floating(), ErrorCode::kType,
                    "[{}] expected a whole value beside {}, got {}", op, dtype_name(dtype),
                    value.to<double>());
}

const bool kBoxed =
    boxed("where(Tensor condition, Tensor input, Tensor other) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, const Tensor&)>(where)) &&
    boxed("where(Tensor condition, Tensor input, Scalar other) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, Scalar)>(where)) &&
    boxed("where(Tensor condition, Scalar input, Tensor other) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, Scalar, const Tensor&)>(where)) &&
    boxed("masked_fill(Tensor input, Tensor mask, Scalar value) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, Scalar)>(masked_fill)) &&
    boxed("masked_fill(Tensor input, Tensor mask, Tensor value) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, const Tensor&)>(masked_fill)) &&
    boxed("clamp(Tensor input, Tensor? min=None, Tensor? max=None) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, const Tensor&)>(clamp)) &&
    boxed("addcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
          addcmul) &&
    boxed("addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
          addcdiv) &&
    boxed("lerp(Tensor input, Tensor end, Tensor weight) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, const Tensor&)>(lerp)) &&
    boxed("lerp(Tensor input, Tensor end, Scalar weight) -> Tensor",
          static_cast<Tensor (*)(const Tensor&, const Tensor&, Scalar)>(lerp));

const bool kWhere =
    register_op({"where", [] {
                   const auto fn = [](const Tensors& x) { return where(x[0], x[1], x[2]); };
                   const Tensor condition = from_values<bool>({true, false, false, true}, {4});
                   return std::vector<OpSample>{
                       {"row condition", {condition, sample64({3, 4}, 1), sample64({3, 4}, 2)}, fn},
                       {"broadcast", {condition, sample64({3, 1}, 1), sample64({}, 2)}, fn}};
                 }});
const bool kMaskedFill = register_op(
    {"masked_fill", [] {
       const Tensor mask = from_values<bool>({true, false, false, true}, {4});
       return std::vector<OpSample>{
           {"number",
            {sample64({3, 4}, 1)},
            [mask](const Tensors& x) { return masked_fill(x[0], to(mask, x[0].device()), 2.5); }},
           {"tensor", {sample64({3, 4}, 1), sample64({}, 2)}, [mask](const Tensors& x) {
              return masked_fill(x[0], to(mask, x[0].device()), x[1]);
            }}};
     }});
template <class Fn> std::vector<OpSample> three(Fn fn) {
  const auto input = [](const Dims& sizes, uint64_t seed, bool strided = false) {
    return sample64(sizes, seed, 0.5, 3, strided);
  };
  return {{"dense", {input({3, 4}, 1), input({3, 4}, 2), input({3, 4}, 3)}, fn},
          {"strided", {input({3, 4}, 1, true), input({3, 4}, 2), input({3, 4}, 3, true)}, fn},
          {"broadcast", {input({3, 1}, 1), input({4}, 2), input({}, 3)}, fn},
          {"empty", {input({0, 4}, 1), input({4}, 2), input({}, 3)}, fn}};
}
const bool kTernary =
    register_op(
        {"addcmul",
         [] { return three([](const Tensors& x) { return addcmul(x[0], x[1], x[2], 0.5); }); }}) &&
    register_op(
        {"addcdiv",
         [] { return three([](const Tensors& x) { return addcdiv(x[0], x[1], x[2], 0.5); }); }}) &&
    register_op(
        {"lerp", [] { return three([](const Tensors& x) { return lerp(x[0], x[1], x[2]); }); }});

}  // namespace

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  IOLAUS_CHECK_CODE(condition.dtype() == kBool, ErrorCode::kType,
                    "[where] expected a bool condition, got {}", condition.describe());
  const DType dtype = result_type(a, b);
  const Tensor x = to(a, dtype), y = to(b, dtype);
  const Dims shape =
      broadcast_shapes("where", condition.sizes(), broadcast_shapes("where", x.sizes(), y.sizes()));
  Tensor out = detail::empty_result("where", shape, dtype, x.device(), {&condition, &x, &y});
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
Tensor where(const Tensor& condition, const Tensor& a, Scalar b) {
  return where(condition, a, scalar_tensor(b, {.dtype = result_type(a, b), .device = a.device()}));
}
Tensor where(const Tensor& condition, Scalar a, const Tensor& b) {
  return where(condition, scalar_tensor(a, {.dtype = result_type(b, a), .device = b.device()}), b);
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value) {
  check_value("masked_fill", x.dtype(), value);
  return masked_fill(x, mask, scalar_tensor(value, x.options()));
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  IOLAUS_CHECK(value.dim() == 0, "[masked_fill] expected a 0-dim value, got {}", value.describe());
  IOLAUS_CHECK_CODE(mask.dtype() == kBool, ErrorCode::kType,
                    "[masked_fill] expected a bool mask, got {}", mask.describe());
  return where(mask, to(value, x.dtype(), x.device()), x);
}

Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high) {
  IOLAUS_CHECK(low.defined() || high.defined(), "[clamp] expected a min or a max, got none");
  const Tensor above = low.defined() ? maximum(x, low) : x;
  return high.defined() ? minimum(above, high) : above;
}

Tensor addcmul(const Tensor& a, const Tensor& b, const Tensor& c, Scalar value) {
  if (autocast::on()) return autocast::call("addcmul", addcmul, a, b, c, value);
  const DType dtype = common_dtype(a, b, c);
  check_value("addcmul", dtype, value);
  const bool tracked = needs_grad(a, b, c);
  const Tensor x = to(a, dtype), y = saved(b, dtype, tracked), z = saved(c, dtype, tracked);
  const double factor = value.to<double>();
  Tensor out = ternary(ops::Addcmul{{}, factor}, x, y, z);
  if (needs_grad(x, y, z)) {
    record("addcmul", out, edges(x, y, z),
           [y = save(y), z = save(z), sizes = x.sizes(), factor](const Node& n, const Tensor& g) {
             const Tensor b1 = y(n), c1 = z(n);
             return std::array{n.needs(0) ? sum_to(g, sizes) : Tensor(),
                               n.needs(1) ? sum_to(mul(g, mul(c1, factor)), b1.sizes()) : Tensor(),
                               n.needs(2) ? sum_to(mul(g, mul(b1, factor)), c1.sizes()) : Tensor()};
           });
  }
  return out;
}

Tensor addcdiv(const Tensor& a, const Tensor& b, const Tensor& c, Scalar value) {
  if (autocast::on()) return autocast::call("addcdiv", addcdiv, a, b, c, value);
  const DType dtype = common_dtype(a, b, c);
  IOLAUS_CHECK_CODE(is_floating(dtype), ErrorCode::kType,
                    "[addcdiv] expected floating tensors, got {}; divide with div", b.describe());
  const bool tracked = needs_grad(a, b, c);
  const Tensor x = to(a, dtype), y = saved(b, dtype, tracked), z = saved(c, dtype, tracked);
  const double factor = value.to<double>();
  Tensor out = ternary(ops::Addcdiv{{}, factor}, x, y, z);
  if (needs_grad(x, y, z)) {
    record("addcdiv", out, edges(x, y, z),
           [y = save(y), z = save(z), sizes = x.sizes(), factor](const Node& n, const Tensor& g) {
             const Tensor b1 = y(n), c1 = z(n);
             const Tensor slope = n.needs(2) ? div(mul(b1, factor), square(c1)) : Tensor();
             return std::array{n.needs(0) ? sum_to(g, sizes) : Tensor(),
                               n.needs(1) ? sum_to(mul(g, div(factor, c1)), b1.sizes()) : Tensor(),
                               n.needs(2) ? sum_to(neg(mul(g, slope)), c1.sizes()) : Tensor()};
           });
  }
  return out;
}

Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& part) {
  const bool tracked = needs_grad(start, end, part);
  const Tensor a = saved(start, start.dtype(), tracked), b = saved(end, end.dtype(), tracked);
  const Tensor weight = saved(part, part.dtype(), tracked);
  IOLAUS_CHECK_CODE(a.dtype() == b.dtype() && is_floating(a.dtype()), ErrorCode::kType,
                    "[lerp] expected floating tensors of one dtype, got {} and {}", a.describe(),
                    b.describe());
  IOLAUS_CHECK_CODE(weight.dtype() == a.dtype(), ErrorCode::kType,
                    "[lerp] expected a weight of {}, got {}", dtype_name(a.dtype()),
                    weight.describe());
  Tensor out = ternary(ops::Lerp{}, a, b, weight);
  if (needs_grad(a, b, weight)) {
    record("lerp", out, edges(a, b, weight),
           [a = save(a), b = save(b), w = save(weight)](const Node& n, const Tensor& g) {
             const Tensor x = a(n), y = b(n), z = w(n);
             return std::array{n.needs(0) ? sum_to(mul(g, sub(1, z)), x.sizes()) : Tensor(),
                               n.needs(1) ? sum_to(mul(g, z), y.sizes()) : Tensor(),
                               n.needs(2) ? sum_to(mul(g, sub(y, x)), z.sizes()) : Tensor()};
           });
  }
  return out;
}
Tensor lerp(const Tensor& a, const Tensor& b, Scalar weight) {
  if (is_short_float(a)) {  // which would round the weight
    return to(lerp(widened(a), widened(b), weight), a.dtype());
  }
  return lerp(a, b, scalar_tensor(weight, a.options()));
}

}  // namespace iolaus
