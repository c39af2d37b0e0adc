// conv2d by cuDNN: the forward pass (with the bias in the same graph where cuDNN can, else added
// after it) and both gradients. Any layout that cuDNN has an engine for; groups follow from the
// channels of x and weight.
#include "core/views.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/cudnn/graph.h"
#include "kernels/elementwise/binary_ops.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/reduce/reduce.h"

namespace iolaus {
namespace {

using cudnn::Graph;
using cudnn::Id;
using cudnn::Problem;

const char* reason(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// (K) as (1, K, 1, 1).
Tensor as_image(const Tensor& t) {
  const int64_t stride = t.strides()[0];
  return make_view(t, {1, t.sizes()[0], 1, 1}, {stride * t.sizes()[0], stride, 1, 1}, t.offset());
}

// A convolution as cuDNN's problem; with_bias: the sum is a part of it.
struct Forward {
  Problem problem;
  Id x, w, bias, y;
  Window2d window;

  Forward(const Conv2d& a, bool with_bias)
      : problem("conv2d_forward", a.device()),
        x(problem.tensor(a.x)),
        w(problem.tensor(a.weight)),
        bias(problem.tensor(with_bias ? as_image(a.bias) : Tensor())),
        y(problem.tensor(a.out)),
        window(a.window) {
    problem.depends_on(window);
  }
  void build(Graph& g) const { g.conv_forward(x, w, bias, y, window); }
  const std::string& why_not() const {
    return problem.why_not([this](Graph& g) { build(g); });
  }
  void run() const {
    problem.run([this](Graph& g) { build(g); });
  }
};

const char* forward_why_not(const Conv2d& a) {
  if (const char* missing = cudnn::missing()) return missing;
  if (a.x.numel() == 0 || a.weight.numel() == 0 || a.out.numel() == 0) return "a tensor is empty";
  if (a.bias.defined() && Forward(a, true).why_not().empty()) return nullptr;
  return reason(Forward(a, false).why_not());
}

void run_forward(const Conv2d& a) {
  if (a.bias.defined()) {
    if (const Forward fused(a, true); fused.why_not().empty()) return fused.run();
  }
  Forward(a, false).run();
  if (!a.bias.defined()) return;
  const Tensor bias = as_image(a.bias);
  const Operand operands[] = {{&a.out}, {&a.out}, {&bias}};
  Pointwise sum;
  sum.set_op(ops::Add{});
  make_pointwise(sum, "conv2d", operands, a.dtype());
  elementwise_kernels<ops::Add>()(sum);
}

struct BackwardInput {
  Problem problem;
  Id g, w, dx;
  Window2d window;

  explicit BackwardInput(const Conv2dBackwardInput& a)
      : problem("conv2d_backward_input", a.device()),
        g(problem.tensor(a.g)),
        w(problem.tensor(a.weight)),
        dx(problem.tensor(a.dx)),
        window(a.window) {
    problem.depends_on(window);
  }
  void operator()(Graph& graph) const { graph.conv_backward_input(g, w, dx, window); }
};

const char* input_why_not(const Conv2dBackwardInput& a) {
  if (const char* missing = cudnn::missing()) return missing;
  if (a.g.numel() == 0 || a.weight.numel() == 0 || a.dx.numel() == 0) return "a tensor is empty";
  const BackwardInput p(a);
  return reason(p.problem.why_not(std::cref(p)));
}
void run_backward_input(const Conv2dBackwardInput& a) {
  const BackwardInput p(a);
  p.problem.run(std::cref(p));
}

struct BackwardWeight {
  Problem problem;
  Id g, x, dw;
  Window2d window;

  explicit BackwardWeight(const Conv2dBackwardWeight& a)
      : problem("conv2d_backward_weight", a.device()),
        g(problem.tensor(a.g)),
        x(problem.tensor(a.x)),
        dw(problem.tensor(a.dw)),
        window(a.window) {
    problem.depends_on(window);
  }
  void operator()(Graph& graph) const { graph.conv_backward_weight(g, x, dw, window); }
};

const char* weight_why_not(const Conv2dBackwardWeight& a) {
  if (const char* missing = cudnn::missing()) return missing;
  if (a.g.numel() == 0 || a.x.numel() == 0 || a.dw.numel() == 0) return "a tensor is empty";
  const BackwardWeight p(a);
  return reason(p.problem.why_not(std::cref(p)));
}
void run_backward_weight(const Conv2dBackwardWeight& a) {
  const BackwardWeight p(a);
  p.problem.run(std::cref(p));
  // db: the sum over batch and pixels (dimensions 0, 2 and 3).
  if (a.db.defined()) reduce_into(ReduceOp::kSum, as_image(a.db), a.g, 0b1101);
}

const std::vector<DType> kFloats = {kFloat32, kFloat16, kBFloat16};
const bool kForward =
    conv2d_kernels().add({"cudnn", kCUDA, kFloats, run_forward, 3, forward_why_not});
const bool kBackwardInput = conv2d_backward_input_kernels().add(
    {"cudnn", kCUDA, kFloats, run_backward_input, 3, input_why_not});
const bool kBackwardWeight = conv2d_backward_weight_kernels().add(
    {"cudnn", kCUDA, kFloats, run_backward_weight, 3, weight_why_not});

}  // namespace
}  // namespace iolaus
