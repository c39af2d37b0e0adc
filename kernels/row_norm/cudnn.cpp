// rms_norm by cuDNN, forward and backward; rows are its batch, the elements of a row its channels.
// rstd is what it calls inverse variance.
#include "kernels/cudnn/graph.h"
#include "kernels/row_norm/row_norm.h"

namespace iolaus {
namespace {

using cudnn::Id;
using cudnn::Problem;

Id rows_of(Problem& problem, const Tensor& t, int64_t columns) {
  return problem.tensor(t.raw_data(), t.dtype(), {t.numel() / columns, columns, 1, 1},
                        {columns, 1, columns, columns});
}

template <class Call, class Args> const char* plan_why_not(const Args& a) {
  const Call call(a);
  const std::string& problem = call.problem.why_not(std::cref(call));
  return problem.empty() ? nullptr : problem.c_str();
}

struct Forward {
  Problem problem;
  Id x, gamma, y, rstd;
  double eps;

  explicit Forward(const RowNorm& a)
      : problem("rms_norm", a.device()),
        x(rows_of(problem, a.x, a.columns)),
        gamma(channels(problem, a.gamma)),
        y(rows_of(problem, a.out, a.columns)),
        rstd(rows_of(problem, a.rstd, 1)),
        eps(a.eps) {
    problem.depends_on({eps});
  }
  void operator()(cudnn::Graph& g) const { g.rms_norm(x, gamma, y, rstd, eps); }
};

const char* forward_why_not(const RowNorm& a) {
  if (const char* missing = cudnn::missing()) return missing;
  if (a.x.numel() == 0) return "the input is empty";
  if (!a.gamma.defined() || a.beta.defined()) return "cuDNN wants gamma, and no beta here";
  return plan_why_not<Forward>(a);
}
void run_forward(const RowNorm& a) {
  const Forward p(a);
  p.problem.run(std::cref(p));
}

// cuDNN computes both gradients; one that is not wanted goes to memory of its own.
RowNormBackward with_all_outputs(const RowNormBackward& a) {
  RowNormBackward all = a;
  if (!all.dx.defined()) all.dx = empty_like(a.s);
  if (!all.dgamma.defined()) all.dgamma = empty_like(a.gamma);
  return all;
}

struct Backward {
  Problem problem;
  Id g, x, gamma, rstd, dx, dgamma;

  explicit Backward(const RowNormBackward& a)
      : problem("rms_norm_backward", a.device()),
        g(rows_of(problem, a.g, a.columns)),
        x(rows_of(problem, a.s, a.columns)),
        gamma(channels(problem, a.gamma)),
        rstd(rows_of(problem, a.rstd, 1)),
        dx(rows_of(problem, a.dx, a.columns)),
        dgamma(channels(problem, a.dgamma)) {}
  void operator()(cudnn::Graph& graph) const {
    graph.rms_norm_backward(g, x, gamma, rstd, dx, dgamma);
  }
};

const char* backward_why_not(const RowNormBackward& a) {
  if (const char* missing = cudnn::missing()) return missing;
  if (a.s.numel() == 0) return "the input is empty";
  if (!a.gamma.defined() || a.dbeta.defined() || a.gs.defined()) {
    return "cuDNN wants gamma, and no beta and no second gradient here";
  }
  return plan_why_not<Backward>(with_all_outputs(a));
}
void run_backward(const RowNormBackward& a) {
  const Backward p(with_all_outputs(a));
  p.problem.run(std::cref(p));
}

const std::vector<DType> kFloats = {kFloat32, kFloat16, kBFloat16};
const bool kForward = row_norm_kernels(RowNormKind::kRms)
                          .add({"cudnn", kCUDA, kFloats, run_forward, 0, forward_why_not});
const bool kBackward = row_norm_backward_kernels(RowNormKind::kRms)
                           .add({"cudnn", kCUDA, kFloats, run_backward, 0, backward_why_not});

}  // namespace
}  // namespace iolaus
