// Losses' names in configs: of margins and distances, of distributions, of sequences.
#include <cmath>
#include <numbers>

#include "autograd/ops.h"
#include "autograd/ops/bags.h"
#include "nn/loss_targets.h"

namespace iolaus::nn {
namespace {

using namespace target;
using Fn = FunctionLoss::Fn;

config::Param margin_param(double standard) {
  return {"margin", P::kFloat, "what must lie between", standard};
}

const LossTarget kHinge =
    loss("HingeEmbeddingLoss", "output where target is 1, max(0, margin - output) where it is -1",
         2, {margin_param(1), reduction_param()}, [](const Args& a) -> Fn {
           return [r = reduction(a), margin = a.get<double>("margin")](const Tensors& x,
                                                                       const Tensors&) {
             return hinge_embedding_loss(x[0], x[1], margin, r);
           };
         });
const LossTarget kCosine =
    loss("CosineEmbeddingLoss", "1 - cos(a, b) where target is 1, max(0, cos(a, b) - margin) else",
         3, {margin_param(0), reduction_param()}, [](const Args& a) -> Fn {
           return [r = reduction(a), margin = a.get<double>("margin")](const Tensors& x,
                                                                       const Tensors&) {
             return cosine_embedding_loss(x[0], x[1], x[2], margin, r);
           };
         });
const LossTarget kRanking = loss("MarginRankingLoss", "max(0, -target (a - b) + margin)", 3,
                                 {margin_param(0), reduction_param()}, [](const Args& a) -> Fn {
                                   return [r = reduction(a), margin = a.get<double>("margin")](
                                              const Tensors& x, const Tensors&) {
                                     return margin_ranking_loss(x[0], x[1], x[2], margin, r);
                                   };
                                 });
const LossTarget kTriplet = loss(
    "TripletMarginLoss", "max(0, d(anchor, positive) - d(anchor, negative) + margin)", 3,
    {margin_param(1),
     {"p", P::kFloat, "of the norm", 2.0},
     {"eps", P::kFloat, "added to differences", 1e-6},
     {"swap", P::kBool, "the smaller of both distances from the negative counts", false},
     reduction_param()},
    [](const Args& a) -> Fn {
      const double margin = a.get<double>("margin"), p = a.get<double>("p"),
                   eps = a.get<double>("eps");
      return [=, swap = a.get<bool>("swap"), r = reduction(a)](const Tensors& x, const Tensors&) {
        return triplet_margin_loss(x[0], x[1], x[2], margin, p, eps, swap, r);
      };
    });

// mean over i != y of w_y max(0, margin - x_y + x_i)^p, as a sum over all classes / their number.
Tensor multi_margin(const Tensor& output, const Tensor& target, const Tensor& weight, int64_t p,
                    double margin) {
  const Tensor x = output.dim() == 1 ? unsqueeze(output, 0) : output;
  const Tensor y = reshape(target, {-1, 1});
  Tensor each = relu(margin - gather(x, 1, y) + x);
  if (p == 2) each = square(each);
  if (weight.defined()) each = mul(each, unsqueeze(index_select(weight, 0, reshape(y, {-1})), 1));
  const Tensor others = scatter(ones(x.sizes(), x.options()), 1, y, 0);
  const Tensor rows = mean(mul(each, others), {1});
  return output.dim() == 1 ? squeeze(rows, 0) : rows;
}
const LossTarget kMultiMargin =
    loss("MultiMarginLoss", "how far other classes come within margin of the target's", 2,
         {{"p", P::kInt, "1 or 2", 1},
          margin_param(1),
          weights_param("weight", "weight of each class"),
          reduction_param()},
         [](const Args& a) -> Fn {
           const int64_t p = a.get<int64_t>("p");
           if (p != 1 && p != 2) a.fail_about("p", "expected 1 or 2");
           return [p, r = reduction(a), margin = a.get<double>("margin")](
                      const Tensors& x, const Tensors& constants) {
             return reduce(multi_margin(x[0], x[1], constants[0], p, margin), r);
           };
         },
         {"weight"});
const LossTarget kSoftMargin = loss("SoftMarginLoss", "ln(1 + e^(-target output))", 2,
                                    {reduction_param()}, [](const Args& a) -> Fn {
                                      return [r = reduction(a)](const Tensors& x, const Tensors&) {
                                        return reduce(neg(logsigmoid(mul(x[1], x[0]))), r);
                                      };
                                    });
const LossTarget kMultiLabel =
    loss("MultiLabelSoftMarginLoss", "binary cross entropy of sigmoid(output), mean over classes",
         2, {weights_param("weight", "weight of each class"), reduction_param()},
         [](const Args& a) -> Fn {
           return [r = reduction(a)](const Tensors& x, const Tensors& constants) {
             Tensor each = neg(x[1] * logsigmoid(x[0]) + (1 - x[1]) * logsigmoid(neg(x[0])));
             if (constants[0].defined()) each = mul(each, constants[0]);
             return reduce(mean(each, {-1}), r);
           };
         },
         {"weight"});

// (ln max(var, eps) + (x - t)^2 / max(var, eps)) / 2; the limit lets gradients through, as
// PyTorch's does.
Tensor gaussian_nll(const Tensor& x, const Tensor& target, const Tensor& variance, bool full,
                    double eps) {
  Tensor var = variance;
  if (var.dim() == x.dim() - 1) var = unsqueeze(var, -1);
  var = add(var, sub(clamp(var.detach(), eps, {}), var.detach()));
  const Tensor each = mul(add(log(var), div(square(sub(x, target)), var)), 0.5);
  return full ? add(each, 0.5 * std::log(2 * std::numbers::pi)) : each;
}
const LossTarget kGaussian = loss(
    "GaussianNLLLoss", "-ln of the normal density of target, with mean output and a variance", 3,
    {{"full", P::kBool, "with the constant", false},
     {"eps", P::kFloat, "smallest variance", 1e-6},
     reduction_param()},
    [](const Args& a) -> Fn {
      return [full = a.get<bool>("full"), eps = a.get<double>("eps"), r = reduction(a)](
                 const Tensors& x, const Tensors&) {
        return reduce(gaussian_nll(x[0], x[1], x[2], full, eps), r);
      };
    });
// Stirling's formula stands for ln target! where target > 1.
Tensor stirling(const Tensor& t) {
  const Tensor safe = clamp(t, 1, {});
  const Tensor value = safe * log(safe) - safe + 0.5 * log(2 * std::numbers::pi * safe);
  return masked_fill(value, le(t, 1), 0);
}
const LossTarget kPoisson =
    loss("PoissonNLLLoss", "-ln of Poisson's probability of target", 2,
         {{"log_input", P::kBool, "the output is the logarithm of the mean", true},
          {"full", P::kBool, "with Stirling's formula for ln target!", false},
          {"eps", P::kFloat, "added to the mean", 1e-8},
          reduction_param()},
         [](const Args& a) -> Fn {
           return [log_input = a.get<bool>("log_input"), full = a.get<bool>("full"),
                   eps = a.get<double>("eps"), r = reduction(a)](const Tensors& x, const Tensors&) {
             Tensor each = log_input ? exp(x[0]) - x[1] * x[0] : x[0] - x[1] * log(x[0] + eps);
             return reduce(full ? each + stirling(x[1]) : each, r);
           };
         });
const LossTarget kCtc =
    loss("CTCLoss", "of log-probabilities, targets and the lengths of both", 4,
         {{"blank", P::kInt, "the class of no symbol", 0},
          reduction_param(),
          {"zero_infinity", P::kBool, "infinite losses count as 0", false}},
         [](const Args& a) -> Fn {
           return [blank = a.get<int64_t>("blank"), r = reduction(a),
                   zero = a.get<bool>("zero_infinity")](const Tensors& x, const Tensors&) {
             return ctc_loss(x[0], x[1], x[2].to_vector<int64_t>(), x[3].to_vector<int64_t>(),
                             blank, r, zero);
           };
         });

}  // namespace
}  // namespace iolaus::nn
