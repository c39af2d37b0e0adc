// Unary ops. Each is one line below: its forward is the kernel of its functor; its backward is the
// fused kernel of the functor's derivative, or, with create_graph, the same formula on Tensors.
#include "autograd/op_registry.h"
#include "autograd/ops/elementwise_common.h"

namespace iolaus {
namespace {

// In sign's and neg's derivatives nothing is saved: an undefined tensor stands for it.
template <class Op> Tensor backward_of(const Op& op, const Tensor& g, const Tensor& saved) {
  if (grad_enabled() || !saved.defined()) return op.backward(g, saved);
  Tensor dx = empty_like(saved);
  Pointwise p;
  p.set_op(op);
  const Operand operands[] = {{&dx}, {&g}, {&saved}};
  make_pointwise(p, Op::kName, operands, saved.dtype());
  elementwise_backward_kernels<Op>()(p);
  return dx;
}

template <class Op> Tensor unary(const Op& op, const Tensor& input) {
  const DType dtype = detail::compute_dtype(input.dtype(), Op::kDomain);
  IOLAUS_CHECK_CODE(dtype != kBool, ErrorCode::kType, "[{}] does not support bool", Op::kName);
  const Tensor x = to(input, dtype);
  Tensor out = empty_like(x);
  detail::launch(op, dtype, out, Operand{&x});
  if (needs_grad(x)) {
    autograd::SavedTensor saved;
    if constexpr (Op::kSaves == ops::Saves::kInput) saved = save(x);
    if constexpr (Op::kSaves == ops::Saves::kOutput) saved = save_output(out);
    record(Op::kName, out, edges(x),
           [op, saved](const Node& n, const Tensor& g) { return backward_of(op, g, saved(n)); });
  }
  return out;
}

template <class... Ops> bool register_all(ops::OpList<Ops...>) {
  const auto one = []<class Op>(Op op) {
    return register_op({Op::kName, [op] {
                          std::vector<OpSample> samples;
                          for (const Dims& sizes : {Dims{}, Dims{3, 4}, Dims{0, 2}}) {
                            for (bool strided : {false, true}) {
                              samples.push_back(
                                  {strided ? "strided" : "dense",
                                   {sample64(sizes, 7, Op::kLow, Op::kHigh, strided)},
                                   [op](const Tensors& x) { return unary(op, x[0]); }});
                            }
                          }
                          return samples;
                        }});
  };
  return (one(Ops{}) && ...);
}
const bool kRegistered = register_all(ops::UnaryOps{});

}  // namespace

Tensor neg(const Tensor& x) { return unary(ops::Neg{}, x); }
Tensor abs(const Tensor& x) { return unary(ops::Abs{}, x); }
Tensor sign(const Tensor& x) { return unary(ops::Sign{}, x); }
Tensor square(const Tensor& x) { return unary(ops::Square{}, x); }
Tensor exp(const Tensor& x) { return unary(ops::Exp{}, x); }
Tensor expm1(const Tensor& x) { return unary(ops::Expm1{}, x); }
Tensor log(const Tensor& x) { return unary(ops::Log{}, x); }
Tensor log1p(const Tensor& x) { return unary(ops::Log1p{}, x); }
Tensor sqrt(const Tensor& x) { return unary(ops::Sqrt{}, x); }
Tensor rsqrt(const Tensor& x) { return unary(ops::Rsqrt{}, x); }
Tensor reciprocal(const Tensor& x) { return unary(ops::Reciprocal{}, x); }
Tensor sin(const Tensor& x) { return unary(ops::Sin{}, x); }
Tensor cos(const Tensor& x) { return unary(ops::Cos{}, x); }
Tensor tanh(const Tensor& x) { return unary(ops::Tanh{}, x); }
Tensor sigmoid(const Tensor& x) { return unary(ops::Sigmoid{}, x); }
Tensor erf(const Tensor& x) { return unary(ops::Erf{}, x); }
Tensor relu(const Tensor& x) { return unary(ops::Relu{}, x); }
Tensor leaky_relu(const Tensor& x, double slope) { return unary(ops::LeakyRelu{{}, slope}, x); }
Tensor gelu(const Tensor& x) { return unary(ops::Gelu{}, x); }
Tensor silu(const Tensor& x) { return unary(ops::Silu{}, x); }
Tensor elu(const Tensor& x, double alpha) { return unary(ops::Elu{{}, alpha}, x); }
Tensor softplus(const Tensor& x) { return unary(ops::Softplus{}, x); }
Tensor clamp(const Tensor& x, double low, double high) {
  IOLAUS_CHECK(low <= high, "[clamp] expected low <= high, got {} and {}", low, high);
  return unary(ops::Clamp{{}, low, high}, x);
}

}  // namespace iolaus
