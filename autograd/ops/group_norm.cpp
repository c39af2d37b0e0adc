// group_norm, and instance_norm, which is group_norm with a group for each channel, or, where
// running statistics take part, batch_norm of the images one after the other.
#include "kernels/group_norm/group_norm.h"

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/norm.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/views.h"
#include "kernels/copy/copy.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

using autograd::SavedTensor;
using Grads = std::array<Tensor, 3>;

// What both ways of computing the gradient need.
struct Saved {
  SavedTensor x, weight;
  DType weight_dtype, bias_dtype;
  Tensor mean, rstd;  // (N G), in the statistics' dtype
  int64_t groups;
  double eps;
};

Grads fast_gradient(const Saved& saved, const Node& n, const Tensor& g) {
  const Tensor x = saved.x(n);
  GroupNormBackward args{contiguous(g), x, {}, saved.mean, saved.rstd, {}, {}, {}, saved.groups};
  if (saved.weight.defined()) args.gamma = saved.weight(n);
  const Dims channels{x.sizes()[1]};
  if (n.needs(0)) args.dx = empty_like(x);
  if (n.needs(1)) args.dgamma = empty(channels, {saved.weight_dtype, x.device()});
  if (n.needs(2)) args.dbeta = empty(channels, {saved.bias_dtype, x.device()});
  group_norm_backward_kernels()(args);
  return {args.dx, args.dgamma, args.dbeta};
}

// As (N, G, C / G, L).
Grads differentiable_gradient(const Saved& saved, const Node& n, const Tensor& g) {
  const Tensor x = saved.x(n);
  const GroupShape s = group_shape(x, saved.groups);
  const Dims grouped{s.batch, s.groups, s.own, s.inner};
  const Dims channels{1, s.groups, s.own, 1};
  const Tensor center = view(x, grouped) - mean(view(x, grouped), {2, 3}, true);
  const Tensor rstd = rsqrt(mean(square(center), {2, 3}, true) + saved.eps);
  const Tensor xhat = center * rstd, gradient = reshape(g, grouped);
  Grads grads;
  if (n.needs(0)) {
    const Tensor h = saved.weight.defined() ? gradient * view(saved.weight(n), channels) : gradient;
    const Tensor inner = h - mean(h, {2, 3}, true) - xhat * mean(h * xhat, {2, 3}, true);
    grads[0] = to(reshape(rstd * inner, x.sizes()), x.dtype());
  }
  const Dims all{s.channels};
  if (n.needs(1)) grads[1] = to(reshape(sum(gradient * xhat, {0, 3}), all), saved.weight_dtype);
  if (n.needs(2)) grads[2] = to(reshape(sum(gradient, {0, 3}), all), saved.bias_dtype);
  return grads;
}

void check_parameter(const char* op, const char* what, const Tensor& t, const Tensor& x) {
  if (!t.defined()) return;
  IOLAUS_CHECK(t.sizes() == Dims{x.sizes()[1]},
               "[{}] expected {} [{}] for the channels of input {}, got {}", op, what, x.sizes()[1],
               x.sizes().str(), t.sizes().str());
  IOLAUS_CHECK_CODE(t.dtype() == x.dtype() || t.dtype() == statistics_dtype(x.dtype()),
                    ErrorCode::kType, "[{}] expected {} of dtype {} or {}, got {}", op, what,
                    dtype_name(x.dtype()), dtype_name(statistics_dtype(x.dtype())),
                    dtype_name(t.dtype()));
  IOLAUS_CHECK(t.device() == x.device(), "[{}] expected {} on {}, got {}", op, what,
               x.device().str(), t.device().str());
}

void check_arguments(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  IOLAUS_CHECK(x.dim() >= 2, "[{}] expected an input (N, C, ...), got {}", op, x.describe());
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[{}] expected a floating input, got {}", op, dtype_name(x.dtype()));
  check_parameter(op, "weight", weight, x);
  check_parameter(op, "bias", bias, x);
  IOLAUS_CHECK_CODE(!weight.defined() || !bias.defined() || weight.dtype() == bias.dtype(),
                    ErrorCode::kType, "[{}] expected weight and bias of one dtype, got {} and {}",
                    op, dtype_name(weight.dtype()), dtype_name(bias.dtype()));
}

Tensor normalise(const char* op, const Tensor& input, int64_t groups, const Tensor& weight,
                 const Tensor& bias, double eps) {
  const Tensor x = contiguous(input);
  const Tensor gamma = weight.defined() ? contiguous(weight) : weight;
  const Tensor beta = bias.defined() ? contiguous(bias) : bias;
  GroupNorm args{x, gamma, beta, empty(x.sizes(), x.options()), {}, {}, groups, eps};
  args.mean = empty({x.sizes()[0] * groups}, {statistics_dtype(x.dtype()), x.device()});
  args.rstd = empty_like(args.mean);
  group_norm_kernels()(args);
  if (needs_grad(x, gamma, beta)) {
    const auto dtype_or = [&](const Tensor& t) { return t.defined() ? t.dtype() : x.dtype(); };
    const Saved saved{save(x),   save(gamma), dtype_or(gamma), dtype_or(beta),
                      args.mean, args.rstd,   groups,          eps};
    record(op, args.out, edges(x, gamma, beta), [saved](const Node& n, const Tensor& g) {
      return grad_enabled() ? differentiable_gradient(saved, n, g) : fast_gradient(saved, n, g);
    });
  }
  return args.out;
}

// (C) as (N C): once for each image.
Tensor repeat(const Tensor& t, int64_t batch) {
  if (!t.defined()) return t;
  return reshape(expand(t, {batch, t.numel()}), {batch * t.numel()});
}

OpSample sample(const char* what, const Dims& x, int64_t groups, bool affine) {
  Tensors inputs{sample64(x, 1, -1, 2)};
  if (affine) {
    inputs.push_back(sample64({x[1]}, 2, 0.5, 2));
    inputs.push_back(sample64({x[1]}, 3));
  }
  return {what, inputs, [=](const Tensors& t) {
            const Tensor weight = affine ? t[1] : Tensor(), bias = affine ? t[2] : Tensor();
            return groups > 0 ? group_norm(t[0], groups, weight, bias)
                              : instance_norm(t[0], {}, {}, weight, bias);
          }};
}

const bool kRegistered =
    register_op({"group_norm",
                 [] {
                   return std::vector<OpSample>{sample("two groups", {2, 4, 3}, 2, true),
                                                sample("one group, (N, C)", {3, 4}, 1, true),
                                                sample("plain", {1, 4, 2, 2}, 2, false),
                                                sample("channels", {2, 3, 4}, 3, true)};
                 }}) &&
    register_op({"instance_norm", [] {
                   OpSample running{"running statistics",
                                    {sample64({2, 3, 4}, 4), sample64({3}, 5, 0.5, 2)},
                                    [](const Tensors& t) {
                                      const Tensor mean =
                                          to(sample64({3}, 6), t[0].dtype(), t[0].device());
                                      const Tensor var =
                                          to(sample64({3}, 7, 0.5, 2), t[0].dtype(), t[0].device());
                                      return instance_norm(t[0], mean, var, t[1], {}, false);
                                    }};
                   return std::vector<OpSample>{sample("affine", {2, 3, 4}, 0, true),
                                                sample("plain", {2, 2, 2, 3}, 0, false),
                                                std::move(running)};
                 }});

const bool kBoxed =
    boxed(
        "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, "
        "float eps=1e-05) -> Tensor",
        group_norm) &&
    boxed(
        "instance_norm(Tensor input, Tensor? running_mean=None, Tensor? running_var=None, "
        "Tensor? weight=None, Tensor? bias=None, bool use_input_stats=True, float momentum=0.1, "
        "float eps=1e-05) -> Tensor",
        instance_norm);

}  // namespace

Tensor group_norm(const Tensor& input, int64_t groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  if (autocast::on())
    return autocast::call("group_norm", group_norm, input, groups, weight, bias, eps);
  check_arguments("group_norm", input, weight, bias);
  for (int64_t d = 1; d < input.dim(); ++d) {
    IOLAUS_CHECK(input.size(d) > 0, "[group_norm] expected samples with elements, got {}",
                 input.describe());
  }
  IOLAUS_CHECK(groups > 0 && input.sizes()[1] % groups == 0,
               "[group_norm] expected a number of groups that divides the {} channels of {}, got "
               "{}",
               input.sizes()[1], input.sizes().str(), groups);
  return normalise("group_norm", input, groups, weight, bias, eps);
}

Tensor instance_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, bool use_input_stats,
                     double momentum, double eps) {
  check_arguments("instance_norm", input, weight, bias);
  check_parameter("instance_norm", "running_mean", running_mean, input);
  check_parameter("instance_norm", "running_var", running_var, input);
  IOLAUS_CHECK(running_mean.defined() == running_var.defined(),
               "[instance_norm] expected both running_mean and running_var, or neither");
  IOLAUS_CHECK(use_input_stats || running_mean.defined(),
               "[instance_norm] expected running_mean and running_var without use_input_stats");
  const GroupShape s = group_shape(input, input.sizes()[1]);
  IOLAUS_CHECK(!use_input_stats || s.inner > 1,
               "[instance_norm] expected more than 1 position per channel, got input {}",
               input.sizes().str());
  if (!running_mean.defined()) {
    return normalise("instance_norm", input, s.channels, weight, bias, eps);
  }
  const Tensor mean = repeat(running_mean.detach(), s.batch);
  const Tensor var = repeat(running_var.detach(), s.batch);
  const Tensor out =
      batch_norm(reshape(input, {1, s.batch * s.channels, s.inner}), mean, var,
                 repeat(weight, s.batch), repeat(bias, s.batch), use_input_stats, momentum, eps);
  if (use_input_stats) {
    const NoGrad no_grad;
    for (const auto& [from, into] : {std::pair(mean, running_mean), std::pair(var, running_var)}) {
      copy(iolaus::mean(view(from, {s.batch, s.channels}), {0}), into);
      into.bump_version();
    }
  }
  return reshape(out, input.sizes());
}

}  // namespace iolaus
