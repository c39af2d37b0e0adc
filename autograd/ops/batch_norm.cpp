// batch_norm. The gradient is one kernel; where a gradient of the gradient is wanted (create_graph)
// it is the same formula, written with differentiable ops.
#include "kernels/batch_norm/batch_norm.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/norm.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "kernels/copy/copy.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

using autograd::SavedTensor;

// What both ways of computing the gradient need. mean and invstd (C) are in the statistics' dtype.
struct Saved {
  SavedTensor x, weight;
  DType bias_dtype;  // of weight too, where that is undefined
  Tensor mean, invstd;
  double eps;
  bool training;
};

std::array<Tensor, 3> fast_gradient(const Saved& saved, const Node& n, const Tensor& g) {
  const Tensor x = saved.x(n);
  const auto format = x.is_contiguous() ? MemoryFormat::kContiguous : MemoryFormat::kChannelsLast;
  BatchNormBackward args{contiguous(g, format), x, {}, saved.mean, saved.invstd, {}, {}, {},
                         saved.training};
  if (saved.weight.defined()) args.gamma = saved.weight(n);
  const TensorOptions options{.dtype = saved.bias_dtype, .device = x.device()};
  if (n.needs(0)) args.dx = empty_like(x);
  if (n.needs(1)) args.dgamma = empty({x.sizes()[1]}, options);
  if (n.needs(2)) args.dbeta = empty({x.sizes()[1]}, options);
  batch_norm_backward_kernels()(args);
  return {args.dx, args.dgamma, args.dbeta};
}

std::array<Tensor, 3> differentiable_gradient(const Saved& saved, const Node& n, const Tensor& g) {
  const Tensor x = saved.x(n);
  Dims channel = Dims::filled(x.sizes().size(), 1), others;
  channel[1] = x.sizes()[1];
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d != 1) others.push_back(d);
  }
  Tensor center, invstd;
  if (saved.training) {
    center = x - mean(x, others, true);
    invstd = rsqrt(mean(square(center), others, true) + saved.eps);
  } else {
    center = x - view(saved.mean, channel);
    invstd = view(saved.invstd, channel);
  }
  const Tensor xhat = center * invstd;
  std::array<Tensor, 3> grads;
  if (n.needs(0)) {
    Tensor inner = g;
    if (saved.training) inner = g - mean(g, others, true) - xhat * mean(g * xhat, others, true);
    const Tensor scale = saved.weight.defined() ? view(saved.weight(n), channel) * invstd : invstd;
    grads[0] = to(scale * inner, x.dtype());
  }
  if (n.needs(1)) grads[1] = to(sum(g * xhat, others), saved.bias_dtype);
  if (n.needs(2)) grads[2] = to(sum(g, others), saved.bias_dtype);
  return grads;
}

void check_parameter(const char* what, const Tensor& t, const Tensor& x) {
  if (!t.defined()) return;
  IOLAUS_CHECK(t.sizes() == Dims{x.sizes()[1]},
               "[batch_norm] expected {} [{}] for the channels of input {}, got {}", what,
               x.sizes()[1], x.sizes().str(), t.sizes().str());
  IOLAUS_CHECK_CODE(t.dtype() == x.dtype() || t.dtype() == statistics_dtype(x.dtype()),
                    ErrorCode::kType, "[batch_norm] expected {} of dtype {} or {}, got {}", what,
                    dtype_name(x.dtype()), dtype_name(statistics_dtype(x.dtype())),
                    dtype_name(t.dtype()));
  IOLAUS_CHECK(t.device() == x.device(), "[batch_norm] expected {} on {}, got {}", what,
               x.device().str(), t.device().str());
}

void check_arguments(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, bool training) {
  IOLAUS_CHECK(x.dim() >= 2, "[batch_norm] expected an input (N, C, ...), got {}", x.describe());
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[batch_norm] expected a floating input, got {}", dtype_name(x.dtype()));
  check_parameter("running_mean", running_mean, x);
  check_parameter("running_var", running_var, x);
  check_parameter("weight", weight, x);
  check_parameter("bias", bias, x);
  IOLAUS_CHECK_CODE(!weight.defined() || !bias.defined() || weight.dtype() == bias.dtype(),
                    ErrorCode::kType,
                    "[batch_norm] expected weight and bias of one dtype, got {} "
                    "and {}",
                    dtype_name(weight.dtype()), dtype_name(bias.dtype()));
  IOLAUS_CHECK(running_mean.defined() == running_var.defined(),
               "[batch_norm] expected both running_mean and running_var, or neither");
  if (!training) {
    IOLAUS_CHECK(running_mean.defined(),
                 "[batch_norm] expected running_mean and running_var in evaluation");
    return;
  }
  const int64_t count = x.sizes()[1] == 0 ? 2 : x.numel() / x.sizes()[1];
  IOLAUS_CHECK(count > 1,
               "[batch_norm] expected more than 1 value per channel when training, got input {}",
               x.sizes().str());
}

// Runs the training kernel, which wants dense running statistics to update.
void run_training(BatchNorm args, const Tensor& running_mean, const Tensor& running_var) {
  if (running_mean.defined()) {
    args.running_mean = make_contiguous(running_mean.detach());
    args.running_var = make_contiguous(running_var.detach());
  }
  batch_norm_kernels()(args);
  if (!running_mean.defined()) return;
  for (const auto& [from, to] :
       {std::pair(args.running_mean, running_mean), std::pair(args.running_var, running_var)}) {
    if (!to.is_contiguous()) copy(from, to);
    to.bump_version();
  }
}

OpSample sample(const char* what, const Dims& x, bool training, bool affine) {
  Tensors inputs{sample64(x, 1, -1, 2)};
  if (affine) {
    inputs.push_back(sample64({x[1]}, 2, 0.5, 2));
    inputs.push_back(sample64({x[1]}, 3));
  }
  return {what, inputs, [=](const Tensors& t) {
            const Tensor weight = affine ? t[1] : Tensor(), bias = affine ? t[2] : Tensor();
            const Tensor mean = to(sample64({x[1]}, 4), t[0].dtype(), t[0].device());
            const Tensor var = to(sample64({x[1]}, 5, 0.5, 2), t[0].dtype(), t[0].device());
            return batch_norm(t[0], mean, var, weight, bias, training);
          }};
}

const bool kRegistered = register_op(
    {"batch_norm", [] {
       return std::vector<OpSample>{sample("training", {3, 2, 2, 3}, true, true),
                                    sample("training, (N, C), plain", {6, 3}, true, false),
                                    sample("evaluation", {2, 3, 4}, false, true),
                                    sample("evaluation, plain", {2, 2, 2, 2}, false, false)};
     }});

const bool kBoxed = boxed(
    "batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight=None, "
    "Tensor? bias=None, bool training=False, float momentum=0.1, float eps=1e-05) -> Tensor",
    batch_norm);

}  // namespace

Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum,
                  double eps) {
  check_arguments(input, running_mean, running_var, weight, bias, training);
  const Tensor x = channel_layout(input).dense ? input : contiguous(input);
  const Tensor gamma = weight.defined() ? contiguous(weight) : weight;
  const Tensor beta = bias.defined() ? contiguous(bias) : bias;
  const Tensor out = empty_like(x);
  const bool wanted = needs_grad(x, gamma, beta);
  const DType dtype = statistics_dtype(x.dtype());
  Tensor mean, invstd;
  if (training) {
    mean = empty({x.sizes()[1]}, {.dtype = dtype, .device = x.device()});
    invstd = empty_like(mean);
    run_training({x, gamma, beta, {}, {}, out, mean, invstd, momentum, eps}, running_mean,
                 running_var);
  } else {
    const Tensor running = make_contiguous(running_mean.detach());
    const Tensor var = make_contiguous(running_var.detach());
    batch_norm_eval_kernels()({x, gamma, beta, running, var, out, eps});
    if (wanted) {
      // A later update of the running statistics must not change this gradient.
      const NoGrad no_grad;
      mean = running.dtype() == dtype ? clone(running) : to(running, dtype);
      invstd = rsqrt(to(var, dtype) + eps);
    }
  }
  if (wanted) {
    const DType parameter = gamma.defined()  ? gamma.dtype()
                            : beta.defined() ? beta.dtype()
                                             : x.dtype();
    const Saved saved{save(x), save(gamma), parameter, mean, invstd, eps, training};
    record("batch_norm", out, edges(x, gamma, beta), [saved](const Node& n, const Tensor& g) {
      return grad_enabled() ? differentiable_gradient(saved, n, g) : fast_gradient(saved, n, g);
    });
  }
  return out;
}

}  // namespace iolaus
