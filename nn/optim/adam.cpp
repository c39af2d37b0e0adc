// Adam and AdamW, and their names in configs.
#include "config/instantiate.h"
#include "nn/optim/optimizer.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;

std::vector<config::Param> params(double weight_decay) {
  return {{"params", P::kObjects, "what to train; the program hands it over", nullptr},
          {"lr", P::kFloat, "learning rate", 1e-3},
          {"betas", P::kFloats, "decay of the two averages",
           [] {
             config::Node betas = config::Node::list();
             betas.append(0.9);
             betas.append(0.999);
             return betas;
           }()},
          {"eps", P::kFloat, "added to the denominator", 1e-8},
          {"weight_decay", P::kFloat, "decay of the weights", weight_decay},
          {"amsgrad", P::kBool, "uses the largest second average so far", false},
          {"maximize", P::kBool, "ascends instead", false}};
}

template <bool decoupled> std::shared_ptr<Adam> make(const config::Args& a) {
  const auto betas = a.get<std::vector<double>>("betas");
  if (betas.size() != 2) a.fail_about("betas", "expected two numbers");
  return std::make_shared<Adam>(a.extra<std::vector<ParamGroup>>("params"),
                                OptimizerOptions{{"lr", a.get<double>("lr")},
                                                 {"beta1", betas[0]},
                                                 {"beta2", betas[1]},
                                                 {"eps", a.get<double>("eps")},
                                                 {"weight_decay", a.get<double>("weight_decay")},
                                                 {"amsgrad", a.get<bool>("amsgrad")},
                                                 {"maximize", a.get<bool>("maximize")}},
                                decoupled);
}

const config::Register<Adam, Optimizer> kAdam{
    {"iolaus.nn.Adam", "torch.optim.Adam"}, "Adam", params(0), make<false>};
const config::Register<Adam, Optimizer> kAdamW{{"iolaus.nn.AdamW", "torch.optim.AdamW"},
                                               "Adam with decoupled weight decay",
                                               params(0.01),
                                               make<true>};

}  // namespace

Adam::Adam(std::vector<ParamGroup> param_groups, const OptimizerOptions& options, bool decoupled)
    : Optimizer(std::move(param_groups), options), decoupled_(decoupled) {
  for (const ParamGroup& group : groups()) {
    const OptimizerOptions& o = group.options;
    IOLAUS_CHECK(o.at("lr") >= 0 && o.at("eps") >= 0 && o.at("weight_decay") >= 0,
                 "[{}] lr, eps and weight_decay must not be negative, got {}, {}, {}",
                 decoupled_ ? "AdamW" : "Adam", o.at("lr"), o.at("eps"), o.at("weight_decay"));
    for (const char* beta : {"beta1", "beta2"}) {
      IOLAUS_CHECK(o.at(beta) >= 0 && o.at(beta) < 1, "[{}] expected betas in [0, 1), got {}",
                   decoupled_ ? "AdamW" : "Adam", o.at(beta));
    }
  }
}

std::vector<std::string> Adam::buffer_names(const OptimizerOptions& options) const {
  if (options.at("amsgrad") == 0) return {"exp_avg", "exp_avg_sq"};
  return {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
}

void Adam::run(OptimizerStep& step, const OptimizerOptions& o) {
  step.lr = o.at("lr");
  step.beta1 = o.at("beta1");
  step.beta2 = o.at("beta2");
  step.eps = o.at("eps");
  step.weight_decay = o.at("weight_decay");
  step.amsgrad = o.at("amsgrad") != 0;
  step.maximize = o.at("maximize") != 0;
  step.decoupled = decoupled_;
  adam_kernels()(step);
}

}  // namespace iolaus::nn
