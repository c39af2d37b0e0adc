// batch_norm by cuDNN. It keeps statistics and parameters in float32, and wants both parameters.
// mean and invstd (1 / sqrt(var + eps)) are what it calls saved mean and inverse variance; momentum
// is its exponential average factor, with the same meaning as here, and the running variance is
// taken with M - 1 by both. Not the evaluation: cuDNN 9.19 has no engine for normalisation with
// given statistics.
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/cudnn/graph.h"

namespace iolaus {
namespace {

using cudnn::Graph;
using cudnn::Id;
using cudnn::Problem;

const char* reason(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// x (N, C, ...) as (N, C, positions, 1), contiguous or channels-last.
Id image(Problem& problem, const Tensor& x) {
  const ChannelLayout l = channel_layout(x);
  return problem.tensor(x.raw_data(), x.dtype(), {l.batch, l.channels, l.inner, 1},
                        {l.batch_stride, l.channel_stride, l.inner_stride,
                         l.channel_stride == 1 ? l.inner_stride : 1});
}

bool is_single(const Tensor& t) { return t.defined() && t.dtype() == kFloat32; }

const char* why_not_common(const Tensor& x, const Tensor& like,
                           std::initializer_list<Tensor> floats) {
  if (const char* missing = cudnn::missing()) return missing;
  if (x.numel() == 0) return "the input is empty";
  if (!channel_layout(x).dense || x.strides() != like.strides()) {
    return "tensors must be contiguous or channels-last, all alike";
  }
  for (const Tensor& t : floats) {
    if (!is_single(t) || !t.is_contiguous()) {
      return "cuDNN wants both parameters, and all vectors in float32";
    }
  }
  return nullptr;
}

struct Training {
  Problem problem;
  Id x, gamma, beta, y, mean, invstd, old_mean, old_var, new_mean, new_var;
  double eps, momentum;

  explicit Training(const BatchNorm& a)
      : problem("batch_norm", a.device()),
        x(image(problem, a.x)),
        gamma(channels(problem, a.gamma)),
        beta(channels(problem, a.beta)),
        y(image(problem, a.out)),
        mean(channels(problem, a.mean)),
        invstd(channels(problem, a.invstd)),
        // Read and written in place: two tensors of the graph at one address.
        old_mean(channels(problem, a.running_mean)),
        old_var(channels(problem, a.running_var)),
        new_mean(channels(problem, a.running_mean)),
        new_var(channels(problem, a.running_var)),
        eps(a.eps),
        momentum(a.momentum) {
    problem.depends_on({eps, momentum});
  }
  void operator()(Graph& g) const {
    g.batch_norm(x, gamma, beta, y, mean, invstd, old_mean, old_var, new_mean, new_var, eps,
                 momentum);
  }
};

const char* training_why_not(const BatchNorm& a) {
  if (const char* why = why_not_common(a.x, a.out, {a.gamma, a.beta})) return why;
  if (a.running_mean.defined() != a.running_var.defined()) return "running statistics go together";
  if (a.running_mean.defined() && (!is_single(a.running_mean) || !is_single(a.running_var))) {
    return "running statistics must be float32";
  }
  // With one element a channel the variance with M - 1 is undefined, and cuDNN gives 0 for it.
  if (a.reduction() < 2) return "a channel must have two elements or more";
  const Training p(a);
  return reason(p.problem.why_not(std::cref(p)));
}
void run_training(const BatchNorm& a) {
  const Training p(a);
  p.problem.run(std::cref(p));
}

struct Backward {
  Problem problem;
  Id g, x, gamma, mean, invstd, dx, dgamma, dbeta;

  explicit Backward(const BatchNormBackward& a)
      : problem("batch_norm_backward", a.device()),
        g(image(problem, a.g)),
        x(image(problem, a.x)),
        gamma(channels(problem, a.gamma)),
        mean(channels(problem, a.mean)),
        invstd(channels(problem, a.invstd)),
        dx(image(problem, a.dx)),
        dgamma(channels(problem, a.dgamma)),
        dbeta(channels(problem, a.dbeta)) {}
  void operator()(Graph& graph) const {
    graph.batch_norm_backward(g, x, gamma, mean, invstd, dx, dgamma, dbeta);
  }
};

// cuDNN computes all three gradients; those that are not wanted go to memory of their own.
BatchNormBackward with_all_outputs(const BatchNormBackward& a) {
  BatchNormBackward all = a;
  if (!all.dx.defined()) all.dx = empty_like(a.x);
  if (!all.dgamma.defined()) all.dgamma = empty_like(a.gamma);
  if (!all.dbeta.defined()) all.dbeta = empty_like(a.gamma);
  return all;
}

const char* backward_why_not(const BatchNormBackward& a) {
  if (!a.training) return "cuDNN has the gradient of training only";
  if (const char* why = why_not_common(a.x, a.g, {a.gamma, a.mean, a.invstd})) return why;
  const Backward p(with_all_outputs(a));
  return reason(p.problem.why_not(std::cref(p)));
}
void run_backward(const BatchNormBackward& a) {
  const Backward p(with_all_outputs(a));
  p.problem.run(std::cref(p));
}

const std::vector<DType> kFloats = {kFloat32, kFloat16, kBFloat16};
const bool kTraining =
    batch_norm_kernels().add({"cudnn", kCUDA, kFloats, run_training, 0, training_why_not});
const bool kBackward =
    batch_norm_backward_kernels().add({"cudnn", kCUDA, kFloats, run_backward, 0, backward_why_not});

}  // namespace
}  // namespace iolaus
