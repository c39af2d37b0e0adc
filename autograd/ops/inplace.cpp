// In-place forms: the kernel writes into x's own memory. What backward needs of the old x is copied
// first; the new node becomes x's history (and, for a view, its base's).
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise_common.h"
#include "autograd/ops/reduce.h"

namespace iolaus {
namespace {

using detail::Value;

template <class Op>
const Tensor& binary_inplace(const char* name, const Tensor& x, const Value& y) {
  autograd::check_inplace(name, x);
  const Tensor none;
  const Tensor& other = y.tensor ? *y.tensor : none;
  const DType result = y.tensor ? result_type(x, other) : result_type(x, y.number);
  IOLAUS_CHECK_CODE(promote_types(result, x.dtype()) == x.dtype() ||
                        (is_floating(result) && is_floating(x.dtype())) ||
                        (!is_floating(result) && !is_floating(x.dtype()) && x.dtype() != kBool),
                    ErrorCode::kType, "[{}] the result is {}, which {} cannot hold", name,
                    dtype_name(result), x.describe());
  IOLAUS_CHECK_CODE(Op::kDomain != ops::Domain::kFloat || is_floating(x.dtype()), ErrorCode::kType,
                    "[{}] the result is floating, which {} cannot hold", name, x.describe());
  if (y.tensor) {
    IOLAUS_CHECK(broadcast_shapes(name, x.sizes(), other.sizes()) == x.sizes(),
                 "[{}] shape {} does not broadcast to {}", name, other.sizes().str(),
                 x.sizes().str());
  }
  const Tensor cast = y.tensor ? to(other, x.dtype()) : none;
  autograd::NodePtr node;
  if (needs_grad(x, cast)) {
    // Copies are recorded, so that second derivatives reach the old values' history.
    Tensor old, kept = cast;
    if constexpr (Op::kSaves == ops::SavesBinary::kBoth) {
      old = clone(x);
      if (!y.tensor) kept = scalar_tensor(y.number, x.options());
      if (y.tensor && cast.storage() == x.storage()) kept = clone(cast);
    }
    node = autograd::make_node(
        name, edges(x, cast),
        [old = save(old), saved = save(kept), sizes = x.sizes(),
         other_sizes = y.tensor ? cast.sizes() : Dims()](const Node& n, const Tensor& g) {
          const Tensor a = old(n), b = saved(n);
          return std::array{n.needs(0) ? sum_to(Op{}.backward_a(g, a, b), sizes) : Tensor(),
                            n.needs(1) ? sum_to(Op{}.backward_b(g, a, b), other_sizes) : Tensor()};
        });
  }
  detail::launch(Op{}, x.dtype(), x, Operand{&x},
                 y.tensor ? Operand{&cast} : detail::operand(y, x.dtype()));
  x.bump_version();
  if (node) autograd::rebase_history(x, std::move(node));
  return x;
}

std::vector<OpSample> samples(const Tensor& (*fn)(const Tensor&, const Tensor&)) {
  const auto run = [fn](const Tensors& x) {
    Tensor y = clone(x[0]);
    fn(y, x[1]);
    return y;
  };
  return {{"dense", {sample64({3, 4}, 1, 0.5, 2), sample64({3, 4}, 2, 0.5, 2)}, run},
          {"row", {sample64({3, 4}, 1, 0.5, 2), sample64({4}, 2, 0.5, 2)}, run}};
}
const bool kRegistered = register_op({"add_", [] { return samples(add_); }}) &&
                         register_op({"sub_", [] { return samples(sub_); }}) &&
                         register_op({"mul_", [] { return samples(mul_); }}) &&
                         register_op({"div_", [] { return samples(div_); }}) &&
                         register_op({"relu_", [] {
                                        return std::vector<OpSample>{
                                            {"dense", {sample64({3, 4}, 1)}, [](const Tensors& x) {
                                               Tensor y = clone(x[0]);
                                               relu_(y);
                                               return y;
                                             }}};
                                      }});

using WithTensor = const Tensor& (*)(const Tensor&, const Tensor&);
using WithNumber = const Tensor& (*)(const Tensor&, Scalar);
const bool kBoxed = boxed("add_(Tensor input, Tensor other) -> Tensor", WithTensor(add_)) &&
                    boxed("add_(Tensor input, Scalar other) -> Tensor", WithNumber(add_)) &&
                    boxed("sub_(Tensor input, Tensor other) -> Tensor", sub_) &&
                    boxed("mul_(Tensor input, Tensor other) -> Tensor", WithTensor(mul_)) &&
                    boxed("mul_(Tensor input, Scalar other) -> Tensor", WithNumber(mul_)) &&
                    boxed("div_(Tensor input, Tensor other) -> Tensor", div_) &&
                    boxed("relu_(Tensor input) -> Tensor", relu_);

}  // namespace

const Tensor& add_(const Tensor& x, const Tensor& y) {
  return binary_inplace<ops::Add>("add_", x, y);
}
const Tensor& add_(const Tensor& x, Scalar y) { return binary_inplace<ops::Add>("add_", x, y); }
const Tensor& sub_(const Tensor& x, const Tensor& y) {
  return binary_inplace<ops::Sub>("sub_", x, y);
}
const Tensor& mul_(const Tensor& x, const Tensor& y) {
  return binary_inplace<ops::Mul>("mul_", x, y);
}
const Tensor& mul_(const Tensor& x, Scalar y) { return binary_inplace<ops::Mul>("mul_", x, y); }
const Tensor& div_(const Tensor& x, const Tensor& y) {
  return binary_inplace<ops::Div>("div_", x, y);
}

const Tensor& relu_(const Tensor& x) {
  autograd::check_inplace("relu_", x);
  const bool tracked = needs_grad(x);
  auto edge_list = edges(x);
  detail::launch(ops::Relu{}, x.dtype(), x, Operand{&x});
  x.bump_version();
  if (tracked) {
    autograd::rebase_history(
        x, autograd::make_node("relu_", edge_list,
                               [mask = save(gt(x, 0))](const Node& n, const Tensor& g) {
                                 return where(mask(n), g, scalar_tensor(0, g.options()));
                               }));
  }
  return x;
}

}  // namespace iolaus
