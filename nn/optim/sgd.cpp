// SGD, and its names in configs.
#include "config/instantiate.h"
#include "nn/optim/optimizer.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;

const config::Register<SGD, Optimizer> kSgd{
    {"iolaus.nn.SGD", "torch.optim.SGD"},
    "stochastic gradient descent with momentum",
    {{"params", P::kObjects, "what to train; the program hands it over", nullptr},
     {"lr", P::kFloat, "learning rate", 1e-3},
     {"momentum", P::kFloat, "momentum factor", 0.0},
     {"dampening", P::kFloat, "dampening of the momentum", 0.0},
     {"weight_decay", P::kFloat, "L2 penalty", 0.0},
     {"nesterov", P::kBool, "Nesterov's momentum", false},
     {"maximize", P::kBool, "ascends instead", false}},
    [](const config::Args& a) {
      return std::make_shared<SGD>(a.extra<std::vector<ParamGroup>>("params"),
                                   OptimizerOptions{{"lr", a.get<double>("lr")},
                                                    {"momentum", a.get<double>("momentum")},
                                                    {"dampening", a.get<double>("dampening")},
                                                    {"weight_decay", a.get<double>("weight_decay")},
                                                    {"nesterov", a.get<bool>("nesterov")},
                                                    {"maximize", a.get<bool>("maximize")}});
    }};

}  // namespace

SGD::SGD(std::vector<ParamGroup> param_groups, const OptimizerOptions& options)
    : Optimizer(std::move(param_groups), options) {
  for (const ParamGroup& group : groups()) {
    const OptimizerOptions& o = group.options;
    IOLAUS_CHECK(o.at("lr") >= 0 && o.at("momentum") >= 0 && o.at("weight_decay") >= 0,
                 "[SGD] lr, momentum and weight_decay must not be negative, got {}, {}, {}",
                 o.at("lr"), o.at("momentum"), o.at("weight_decay"));
    IOLAUS_CHECK(o.at("nesterov") == 0 || (o.at("momentum") > 0 && o.at("dampening") == 0),
                 "[SGD] nesterov needs a momentum and no dampening");
  }
}

std::vector<std::string> SGD::buffer_names(const OptimizerOptions& options) const {
  if (options.at("momentum") == 0) return {};
  return {"momentum_buffer"};
}

void SGD::run(OptimizerStep& step, const OptimizerOptions& o) {
  step.lr = o.at("lr");
  step.momentum = o.at("momentum");
  step.dampening = o.at("dampening");
  step.weight_decay = o.at("weight_decay");
  step.nesterov = o.at("nesterov") != 0;
  step.maximize = o.at("maximize") != 0;
  sgd_kernels()(step);
}

}  // namespace iolaus::nn
