// Adam and AdamW, and their names in configs.
#include <array>

#include "nn/optim/options.h"

namespace iolaus::nn {
namespace {

using S = OptionSpec;

constexpr std::array<OptionSpec, 6> options_of(double weight_decay) {
  return {{{"lr", S::kNumber, 1e-3, "learning rate"},
           {"betas", S::kBetas, 0.9, "decay of the two averages", 0.999},
           {"eps", S::kNumber, 1e-8, "added to the denominator"},
           {"weight_decay", S::kNumber, weight_decay, "decay of the weights"},
           {"amsgrad", S::kFlag, 0, "uses the largest second average so far"},
           {"maximize", S::kFlag, 0, "ascends instead"}}};
}
constexpr auto kAdamOptions = options_of(0), kAdamWOptions = options_of(0.01);

template <bool decoupled> std::shared_ptr<Adam> make(const config::Args& a) {
  return std::make_shared<Adam>(a.extra<std::vector<ParamGroup>>("params"),
                                options_from(kAdamOptions, a), decoupled);
}

const config::Register<Adam, Optimizer> kAdam{
    {"iolaus.nn.Adam", "iolaus.optim.Adam", "torch.optim.Adam"},
    "Adam",
    option_params(kAdamOptions),
    make<false>};
const config::Register<Adam, Optimizer> kAdamW{
    {"iolaus.nn.AdamW", "iolaus.optim.AdamW", "torch.optim.AdamW"},
    "Adam with decoupled weight decay",
    option_params(kAdamWOptions),
    make<true>};

}  // namespace

Adam::Adam(std::vector<ParamGroup> param_groups, const OptimizerOptions& options, bool decoupled)
    : FusedOptimizer(std::move(param_groups),
                     with_defaults(decoupled ? "AdamW" : "Adam",
                                   decoupled ? kAdamWOptions : kAdamOptions, options)),
      decoupled_(decoupled) {
  for (const ParamGroup& group : groups()) Adam::check_group(group);
}

void Adam::check_group(const ParamGroup& group) const {
  check_options(type_name(), kAdamOptions, group.options);
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
