// LAMB, and its name in configs.
#include <cmath>

#include "autograd/ops.h"
#include "nn/optim/composed.h"
#include "nn/optim/options.h"

namespace iolaus::nn {
namespace {

using S = OptionSpec;

constexpr OptionSpec kOptions[] = {
    {"lr", S::kNumber, 1e-3, "learning rate"},
    {"betas", S::kBetas, 0.9, "decay of the two averages", 0.999},
    {"eps", S::kNumber, 1e-6, "added to the denominator"},
    {"weight_decay", S::kNumber, 0.01, "decay of the weights, part of the scaled step"},
    {"maximize", S::kFlag, 0, "ascends instead"},
};

const auto kLamb = register_optimizer<LAMB>(
    {"iolaus.optim.LAMB"}, "Adam's step scaled to the size of each parameter", kOptions);

}  // namespace

LAMB::LAMB(std::vector<ParamGroup> param_groups, const OptimizerOptions& options)
    : ComposedOptimizer(std::move(param_groups), with_defaults("LAMB", kOptions, options)) {
  for (const ParamGroup& group : groups()) LAMB::check_group(group);
}

void LAMB::check_group(const ParamGroup& group) const {
  check_options("LAMB", kOptions, group.options);
}

std::vector<std::string> LAMB::buffer_names(const OptimizerOptions&) const {
  return {"exp_avg", "exp_avg_sq"};
}

void LAMB::update_param(const Tensor& p, const Tensor& g, ParamState& state,
                        const OptimizerOptions& o) {
  const Tensor &m = state.buffers[0], &v = state.buffers[1];
  const double t = static_cast<double>(state.step), beta1 = o.at("beta1"), beta2 = o.at("beta2");
  copy_(m, lerp(m, g, 1 - beta1));
  copy_(v, addcmul(v * beta2, g, g, 1 - beta2));
  const Tensor mean = m / (1 - std::pow(beta1, t)), square = v / (1 - std::pow(beta2, t));
  const Tensor step = add(mean / (sqrt(square) + o.at("eps")), p, o.at("weight_decay"));
  const Tensor size = vector_norm(p), length = vector_norm(step);
  const Tensor ratio = where((size > 0) & (length > 0), size / length, 1);
  copy_(p, sub(p, step * ratio, o.at("lr")));
}

}  // namespace iolaus::nn
