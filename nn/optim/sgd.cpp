// SGD, and its names in configs.
#include "nn/optim/options.h"

namespace iolaus::nn {
namespace {

using S = OptionSpec;

constexpr OptionSpec kOptions[] = {
    {"lr", S::kNumber, 1e-3, "learning rate"},
    {"momentum", S::kNumber, 0, "momentum factor"},
    {"dampening", S::kNumber, 0, "dampening of the momentum"},
    {"weight_decay", S::kNumber, 0, "L2 penalty"},
    {"nesterov", S::kFlag, 0, "Nesterov's momentum"},
    {"maximize", S::kFlag, 0, "ascends instead"},
};

const auto kSgd = register_optimizer<SGD>({"iolaus.nn.SGD", "iolaus.optim.SGD", "torch.optim.SGD"},
                                          "stochastic gradient descent with momentum", kOptions);

}  // namespace

SGD::SGD(std::vector<ParamGroup> param_groups, const OptimizerOptions& options)
    : FusedOptimizer(std::move(param_groups), with_defaults("SGD", kOptions, options)) {
  for (const ParamGroup& group : groups()) SGD::check_group(group);
}

void SGD::check_group(const ParamGroup& group) const {
  const OptimizerOptions& o = group.options;
  IOLAUS_CHECK(o.at("lr") >= 0 && o.at("momentum") >= 0 && o.at("weight_decay") >= 0,
               "[SGD] lr, momentum and weight_decay must not be negative, got {}, {}, {}",
               o.at("lr"), o.at("momentum"), o.at("weight_decay"));
  IOLAUS_CHECK(o.at("nesterov") == 0 || (o.at("momentum") > 0 && o.at("dampening") == 0),
               "[SGD] nesterov needs a momentum and no dampening");
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
