// Activations. Schemas are those of torch.nn.functional.
#include "autograd/autocast.h"
#include "autograd/ops/binary_common.h"
#include "autograd/ops/unary_common.h"
#include "autograd/ops/view.h"

namespace iolaus {
namespace {

using detail::unary;

const bool kRegistered = detail::register_unary(ops::ActivationOps{});
const bool kBoxed =
    boxed("relu(Tensor input) -> Tensor", relu) && boxed("silu(Tensor input) -> Tensor", silu) &&
    boxed("mish(Tensor input) -> Tensor", mish) &&
    boxed("hardsigmoid(Tensor input) -> Tensor", hardsigmoid) &&
    boxed("hardswish(Tensor input) -> Tensor", hardswish) &&
    boxed("softsign(Tensor input) -> Tensor", softsign) &&
    boxed("tanhshrink(Tensor input) -> Tensor", tanhshrink) &&
    boxed("logsigmoid(Tensor input) -> Tensor", logsigmoid) &&
    boxed("leaky_relu(Tensor input, float negative_slope=0.01) -> Tensor", leaky_relu) &&
    boxed("gelu(Tensor input, *, str approximate='none') -> Tensor", gelu) &&
    boxed("elu(Tensor input, float alpha=1.0) -> Tensor", elu) &&
    boxed("selu(Tensor input) -> Tensor", selu) &&
    boxed("celu(Tensor input, float alpha=1.0) -> Tensor", celu) &&
    boxed("softplus(Tensor input, float beta=1.0, float threshold=20.0) -> Tensor", softplus) &&
    boxed("hardtanh(Tensor input, float min_val=-1.0, float max_val=1.0) -> Tensor", hardtanh) &&
    boxed("relu6(Tensor input) -> Tensor", relu6) &&
    boxed("hardshrink(Tensor input, float lambd=0.5) -> Tensor", hardshrink) &&
    boxed("softshrink(Tensor input, float lambd=0.5) -> Tensor", softshrink) &&
    boxed("threshold(Tensor input, float threshold, float value) -> Tensor", threshold) &&
    boxed("glu(Tensor input, int dim=-1) -> Tensor", glu) &&
    boxed("prelu(Tensor input, Tensor weight) -> Tensor", prelu);

std::vector<OpSample> glu_samples() {
  return {{"last", {sample64({3, 4}, 1)}, [](const Tensors& x) { return glu(x[0]); }},
          {"first", {sample64({4, 3}, 2)}, [](const Tensors& x) { return glu(x[0], 0); }}};
}
std::vector<OpSample> prelu_samples() {
  const auto fn = [](const Tensors& x) { return prelu(x[0], x[1]); };
  return {{"one weight", {sample64({3, 4}, 1), sample64({1}, 2)}, fn},
          {"channels", {sample64({2, 3, 2}, 3), sample64({3}, 4)}, fn}};
}
const bool kGlu =
    register_op({"glu", glu_samples}) && register_op({"prelu_channels", prelu_samples});

}  // namespace

Tensor relu(const Tensor& x) { return unary(ops::Relu{}, x); }
Tensor silu(const Tensor& x) { return unary(ops::Silu{}, x); }
Tensor mish(const Tensor& x) { return unary(ops::Mish{}, x); }
Tensor hardsigmoid(const Tensor& x) { return unary(ops::Hardsigmoid{}, x); }
Tensor hardswish(const Tensor& x) { return unary(ops::Hardswish{}, x); }
Tensor softsign(const Tensor& x) { return unary(ops::Softsign{}, x); }
Tensor tanhshrink(const Tensor& x) { return unary(ops::Tanhshrink{}, x); }
Tensor logsigmoid(const Tensor& x) { return unary(ops::LogSigmoid{}, x); }
Tensor leaky_relu(const Tensor& x, double slope) { return unary(ops::LeakyRelu{{}, slope}, x); }
Tensor gelu(const Tensor& x, const std::string& approximate) {
  IOLAUS_CHECK(approximate == "none" || approximate == "tanh",
               "[gelu] expected approximate 'none' or 'tanh', got '{}'", approximate);
  return approximate == "tanh" ? unary(ops::GeluTanh{}, x) : unary(ops::Gelu{}, x);
}
Tensor elu(const Tensor& x, double alpha) { return unary(ops::Elu{{}, alpha}, x); }
// Klambauer et al. 2017
Tensor selu(const Tensor& x) {
  return unary(ops::Elu{{}, 1.6732632423543772848, 1.0507009873554804934}, x);
}
// Barron 2017
Tensor celu(const Tensor& x, double alpha) {
  IOLAUS_CHECK(alpha != 0, "[celu] expected alpha other than 0");
  return unary(ops::Elu{{}, alpha, 1, 1 / alpha}, x);
}
Tensor softplus(const Tensor& x, double beta, double threshold) {
  return unary(ops::Softplus{{}, beta, threshold}, x);
}
Tensor hardtanh(const Tensor& x, double low, double high) {
  IOLAUS_CHECK(low <= high, "[hardtanh] expected min_val <= max_val, got {} and {}", low, high);
  return unary(ops::Hardtanh{{}, low, high}, x);
}
Tensor relu6(const Tensor& x) { return unary(ops::Hardtanh{{}, 0, 6}, x); }
Tensor hardshrink(const Tensor& x, double lambda) { return unary(ops::Hardshrink{{}, lambda}, x); }
Tensor softshrink(const Tensor& x, double lambda) {
  IOLAUS_CHECK(lambda >= 0, "[softshrink] expected lambd >= 0, got {}", lambda);
  return unary(ops::Softshrink{{}, lambda}, x);
}
Tensor threshold(const Tensor& x, double threshold, double value) {
  return unary(ops::Threshold{{}, threshold, value}, x);
}

// Dauphin et al. 2016
Tensor glu(const Tensor& x, int64_t dim) {
  IOLAUS_CHECK(x.dim() > 0, "[glu] expected at least one dimension, got {}", x.describe());
  const int d = wrap_dim("glu", dim, x.dim());
  const int64_t half = x.sizes()[d] / 2;
  IOLAUS_CHECK(x.sizes()[d] % 2 == 0, "[glu] expected an even size along dimension {}, got {}", d,
               x.sizes().str());
  return mul(narrow(x, d, 0, half), sigmoid(narrow(x, d, half, half)));
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  if (autocast::on()) return autocast::call("prelu", prelu, x, weight);
  const int64_t channels = x.dim() > 1 ? x.sizes()[1] : 1;
  IOLAUS_CHECK(weight.dim() <= 1 && (weight.numel() == 1 || weight.numel() == channels),
               "[prelu] expected weight of 1 or {} elements, got {}", channels, weight.describe());
  IOLAUS_CHECK_CODE(weight.dtype() == x.dtype(), ErrorCode::kType,
                    "[prelu] expected a weight of {}, got {}", dtype_name(x.dtype()),
                    weight.describe());
  Tensor slopes = weight;
  if (weight.numel() != 1) {
    Dims sizes = Dims::filled(x.sizes().size(), 1);
    sizes[1] = channels;
    slopes = reshape(weight, sizes);
  } else if (x.dim() == 0) {
    slopes = reshape(weight, {});
  }
  return detail::binary<ops::Prelu>(x, slopes);
}

}  // namespace iolaus
