// layer_norm by cuDNN. Rows are its batch, the elements of a row its channels: x (rows, D, 1, 1),
// parameters (1, D, 1, 1), statistics (rows, 1, 1, 1) in float32. rstd is what it calls inverse
// variance.
#include "kernels/cudnn/graph.h"
#include "kernels/layer_norm/layer_norm.h"

namespace iolaus {
namespace {

using cudnn::Graph;
using cudnn::Id;
using cudnn::Problem;

const char* reason(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

Id rows_of(Problem& problem, const Tensor& t, int64_t columns) {
  const int64_t rows = t.numel() / columns;
  return problem.tensor(t.raw_data(), t.dtype(), {rows, columns, 1, 1},
                        {columns, 1, columns, columns});
}

const char* why_not_common(const Tensor& x, std::initializer_list<const Tensor*> parameters) {
  if (const char* missing = cudnn::missing()) return missing;
  if (x.numel() == 0) return "the input is empty";
  for (const Tensor* t : parameters) {
    if (!t->defined()) return "cuDNN wants both parameters";
  }
  return nullptr;
}

struct Forward {
  Problem problem;
  Id x, gamma, beta, y, mean, rstd;
  double eps;

  explicit Forward(const LayerNorm& a)
      : problem("layer_norm", a.device()),
        x(rows_of(problem, a.x, a.columns)),
        gamma(channels(problem, a.gamma)),
        beta(channels(problem, a.beta)),
        y(rows_of(problem, a.out, a.columns)),
        mean(rows_of(problem, a.mean, 1)),
        rstd(rows_of(problem, a.rstd, 1)),
        eps(a.eps) {
    problem.depends_on({eps});
  }
  void operator()(Graph& g) const { g.layer_norm(x, gamma, beta, y, mean, rstd, eps); }
};

const char* forward_why_not(const LayerNorm& a) {
  if (const char* why = why_not_common(a.x, {&a.gamma, &a.beta})) return why;
  const Forward p(a);
  return reason(p.problem.why_not(std::cref(p)));
}
void run_forward(const LayerNorm& a) {
  const Forward p(a);
  p.problem.run(std::cref(p));
}

struct Backward {
  Problem problem;
  Id g, x, gamma, mean, rstd, dx, dgamma, dbeta;

  explicit Backward(const LayerNormBackward& a)
      : problem("layer_norm_backward", a.device()),
        g(rows_of(problem, a.g, a.columns)),
        x(rows_of(problem, a.x, a.columns)),
        gamma(channels(problem, a.gamma)),
        mean(rows_of(problem, a.mean, 1)),
        rstd(rows_of(problem, a.rstd, 1)),
        dx(rows_of(problem, a.dx, a.columns)),
        dgamma(channels(problem, a.dgamma)),
        dbeta(channels(problem, a.dbeta)) {}
  void operator()(Graph& graph) const {
    graph.layer_norm_backward(g, x, gamma, mean, rstd, dx, dgamma, dbeta);
  }
};

// cuDNN computes all three gradients; those that are not wanted go to memory of their own.
LayerNormBackward with_all_outputs(const LayerNormBackward& a) {
  LayerNormBackward all = a;
  if (!all.dx.defined()) all.dx = empty_like(a.x);
  if (!all.dgamma.defined()) all.dgamma = empty_like(a.gamma);
  if (!all.dbeta.defined()) all.dbeta = empty_like(a.gamma);
  return all;
}

const char* backward_why_not(const LayerNormBackward& a) {
  if (const char* why = why_not_common(a.x, {&a.gamma})) return why;
  const Backward p(with_all_outputs(a));
  return reason(p.problem.why_not(std::cref(p)));
}
void run_backward(const LayerNormBackward& a) {
  const Backward p(with_all_outputs(a));
  p.problem.run(std::cref(p));
}

const std::vector<DType> kFloats = {kFloat32, kFloat16, kBFloat16};
const bool kForward =
    layer_norm_kernels().add({"cudnn", kCUDA, kFloats, run_forward, 0, forward_why_not});
const bool kBackward =
    layer_norm_backward_kernels().add({"cudnn", kCUDA, kFloats, run_backward, 0, backward_why_not});

}  // namespace
}  // namespace iolaus
