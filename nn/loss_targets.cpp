// Losses' names in configs: of classes, of numbers and of probabilities.
#include "nn/loss_targets.h"

#include "autograd/ops.h"

namespace iolaus::nn {
namespace target {

config::Param reduction_param() { return {"reduction", P::kString, "mean, sum or none", "mean"}; }
Reduction reduction(const Args& a) {
  const std::string name = a.get<std::string>("reduction");
  if (name == "mean") return Reduction::kMean;
  if (name == "sum") return Reduction::kSum;
  if (name != "none") a.fail_about("reduction", "expected 'mean', 'sum' or 'none', got " + name);
  return Reduction::kNone;
}
config::Param weights_param(const char* name, const char* doc) {
  return {name, P::kFloats, doc, nullptr};
}

LossTarget loss(const char* type, const char* doc, size_t inputs, std::vector<config::Param> params,
                std::function<FunctionLoss::Fn(const Args&)> make,
                std::vector<const char*> constants) {
  return {names(type), doc, std::move(params), [=](const Args& a) {
            Tensors values;
            for (const char* name : constants) values.push_back(floats_or_none(a, name));
            return std::make_shared<FunctionLoss>(type, inputs, inputs, make(a), values);
          }};
}

Tensor reduce(const Tensor& each, Reduction reduction) {
  if (reduction == Reduction::kNone) return each;
  return reduction == Reduction::kMean ? mean(each) : sum(each);
}

}  // namespace target

namespace {

using namespace target;

const LossTarget kCrossEntropy = loss(
    "CrossEntropyLoss", "-log softmax(output)[target]", 2,
    {weights_param("weight", "weight of each class"),
     {"ignore_index", P::kInt, "target that does not count", -100},
     reduction_param(),
     {"label_smoothing", P::kFloat, "share of the target that is spread over all classes", 0.0}},
    [](const Args& a) -> FunctionLoss::Fn {
      CrossEntropyOptions o{.reduction = reduction(a),
                            .ignore_index = a.get<int64_t>("ignore_index"),
                            .label_smoothing = a.get<double>("label_smoothing")};
      return [o](const Tensors& x, const Tensors& constants) mutable {
        o.weight = constants[0];
        return cross_entropy(x[0], x[1], o);
      };
    },
    {"weight"});
const LossTarget kNll =
    loss("NLLLoss", "-output[target], of logarithms of probabilities", 2,
         {weights_param("weight", "weight of each class"),
          {"ignore_index", P::kInt, "target that does not count", -100},
          reduction_param()},
         [](const Args& a) -> FunctionLoss::Fn {
           CrossEntropyOptions o{.reduction = reduction(a),
                                 .ignore_index = a.get<int64_t>("ignore_index")};
           return [o](const Tensors& x, const Tensors& constants) mutable {
             o.weight = constants[0];
             return nll_loss(x[0], x[1], o);
           };
         },
         {"weight"});

const LossTarget kMse = loss("MSELoss", "(output - target)^2", 2, {reduction_param()},
                             [](const Args& a) -> FunctionLoss::Fn {
                               return [r = reduction(a)](const Tensors& x, const Tensors&) {
                                 return mse_loss(x[0], x[1], r);
                               };
                             });
const LossTarget kL1 = loss(
    "L1Loss", "|output - target|", 2, {reduction_param()}, [](const Args& a) -> FunctionLoss::Fn {
      return
          [r = reduction(a)](const Tensors& x, const Tensors&) { return l1_loss(x[0], x[1], r); };
    });
const LossTarget kSmoothL1 = loss(
    "SmoothL1Loss", "quadratic below beta, then |output - target| - beta / 2", 2,
    {reduction_param(), {"beta", P::kFloat, "where it becomes linear", 1.0}},
    [](const Args& a) -> FunctionLoss::Fn {
      return [r = reduction(a), beta = a.get<double>("beta")](const Tensors& x, const Tensors&) {
        return smooth_l1_loss(x[0], x[1], r, beta);
      };
    });
const LossTarget kHuber = loss(
    "HuberLoss", "quadratic below delta, then linear", 2,
    {reduction_param(), {"delta", P::kFloat, "where it becomes linear", 1.0}},
    [](const Args& a) -> FunctionLoss::Fn {
      return [r = reduction(a), delta = a.get<double>("delta")](const Tensors& x, const Tensors&) {
        return huber_loss(x[0], x[1], r, delta);
      };
    });

const LossTarget kBce =
    loss("BCELoss", "binary cross entropy of probabilities", 2,
         {weights_param("weight", "weight of each element of a row"), reduction_param()},
         [](const Args& a) -> FunctionLoss::Fn {
           return [r = reduction(a)](const Tensors& x, const Tensors& constants) {
             return binary_cross_entropy(x[0], x[1], constants[0], r);
           };
         },
         {"weight"});
const LossTarget kBceLogits =
    loss("BCEWithLogitsLoss", "binary cross entropy of sigmoid(output)", 2,
         {weights_param("weight", "weight of each element of a row"), reduction_param(),
          weights_param("pos_weight", "weight of the positive targets of each class")},
         [](const Args& a) -> FunctionLoss::Fn {
           return [r = reduction(a)](const Tensors& x, const Tensors& constants) {
             return binary_cross_entropy_with_logits(x[0], x[1], constants[0], constants[1], r);
           };
         },
         {"weight", "pos_weight"});
const LossTarget kKlDiv =
    loss("KLDivLoss", "target (ln target - output)", 2,
         {{"reduction", P::kString, "mean, batchmean, sum or none", "mean"},
          {"log_target", P::kBool, "the target is a logarithm, too", false}},
         [](const Args& a) -> FunctionLoss::Fn {
           const std::string r = a.get<std::string>("reduction");
           if (r != "batchmean") reduction(a);  // the error for other names
           return [r, log_target = a.get<bool>("log_target")](const Tensors& x, const Tensors&) {
             return kl_div(x[0], x[1], r, log_target);
           };
         });

}  // namespace
}  // namespace iolaus::nn
