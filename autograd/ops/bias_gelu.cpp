// bias_gelu. The gradient is one kernel; where a gradient of the gradient is wanted (create_graph)
// it is the same formula, written with differentiable ops.
#include "kernels/bias_gelu/bias_gelu.h"

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/ops/bias_gelu.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduce.h"
#include "autograd/record.h"
#include "kernels/bias_gelu/gelu.h"

namespace iolaus {
namespace {

using Grads = std::array<Tensor, 2>;  // of x and bias

Grads gradient(const Tensor& x, const Tensor& bias, bool approximate, const Node& n,
               const Tensor& g) {
  if (grad_enabled()) {
    const Tensor dx = ops::gelu_gradient<Tensor>(approximate, g, x + bias);
    return {dx, n.needs(1) ? sum_to(dx, bias.sizes()) : Tensor()};
  }
  BiasGeluBackward args{contiguous(g), x, bias, empty_like(x), {}, approximate};
  if (n.needs(1)) args.dbias = empty_like(bias);
  bias_gelu_backward_kernels()(args);
  return {args.dx, args.dbias};
}

const bool kRegistered =
    register_op({"bias_gelu", [] {
                   std::vector<OpSample> samples;
                   for (const char* approximate : {"none", "tanh"}) {
                     for (const Dims& sizes : {Dims{3, 4}, Dims{2, 3, 5}, Dims{6}, Dims{0, 3}}) {
                       samples.push_back({std::string(approximate),
                                          {sample64(sizes, 1, -3, 3), sample64({sizes.back()}, 2)},
                                          [approximate](const Tensors& t) {
                                            return bias_gelu(t[0], t[1], approximate);
                                          }});
                     }
                   }
                   return samples;
                 }});

}  // namespace

Tensor bias_gelu(const Tensor& input, const Tensor& added, const std::string& approximate) {
  if (autocast::on()) return autocast::call("bias_gelu", bias_gelu, input, added, approximate);
  IOLAUS_CHECK(approximate == "none" || approximate == "tanh",
               "[bias_gelu] expected approximate 'none' or 'tanh', got '{}'", approximate);
  IOLAUS_CHECK_CODE(is_floating(input.dtype()) && added.dtype() == input.dtype(), ErrorCode::kType,
                    "[bias_gelu] expected input and bias of one floating dtype, got {} and {}",
                    dtype_name(input.dtype()), dtype_name(added.dtype()));
  IOLAUS_CHECK(
      input.dim() >= 1 && added.sizes() == Dims{input.size(-1)} && added.device() == input.device(),
      "[bias_gelu] expected a bias for the last dimension of {}, got {}", input.describe(),
      added.describe());
  const Tensor x = contiguous(input), bias = contiguous(added);
  const bool tanh = approximate == "tanh";
  Tensor out = empty(x.sizes(), x.options());
  bias_gelu_kernels()({x, bias, out, tanh});
  if (needs_grad(x, bias)) {
    record("bias_gelu", out, edges(x, bias),
           [x = save(x), bias = save(bias), tanh](const Node& n, const Tensor& g) {
             return gradient(x(n), bias(n), tanh, n, g);
           });
  }
  return out;
}

}  // namespace iolaus
