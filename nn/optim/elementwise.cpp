// The elementwise optimizers: their options and states, and their names in configs.
#include "nn/optim/elementwise.h"

#include "autograd/ops.h"
#include "kernels/optimizer/rules.h"
#include "nn/optim/options.h"

namespace iolaus::nn {
namespace {

using S = OptionSpec;

constexpr OptionSpec kWeightDecay{"weight_decay", S::kNumber, 0, "L2 penalty"};
constexpr OptionSpec kMaximize{"maximize", S::kFlag, 0, "ascends instead"};
constexpr OptionSpec kBetas{"betas", S::kBetas, 0.9, "decay of the two averages", 0.999};
constexpr OptionSpec kDecoupled{"decoupled_weight_decay", S::kFlag, 0,
                                "decays the weights themselves, as AdamW"};
constexpr OptionSpec rate(double value) { return {"lr", S::kNumber, value, "learning rate"}; }
constexpr OptionSpec eps(double value) {
  return {"eps", S::kNumber, value, "added to the denominator"};
}

constexpr OptionSpec kRmsProp[] = {
    rate(1e-2),
    {"alpha", S::kNumber, 0.99, "decay of the average of squares"},
    eps(1e-8),
    kWeightDecay,
    {"momentum", S::kNumber, 0, "momentum factor"},
    {"centered", S::kFlag, 0, "divides by the deviation from the average gradient"},
    kMaximize};
constexpr OptionSpec kAdagrad[] = {
    rate(1e-2),   {"lr_decay", S::kNumber, 0, "decay of the learning rate"},
    kWeightDecay, {"initial_accumulator_value", S::kNumber, 0, "where the sum of squares begins"},
    eps(1e-10),   kMaximize};
constexpr OptionSpec kAdadelta[] = {rate(1),
                                    {"rho", S::kNumber, 0.9, "decay of the averages of squares"},
                                    eps(1e-6),
                                    kWeightDecay,
                                    kMaximize};
constexpr OptionSpec kAdamax[] = {rate(2e-3), kBetas, eps(1e-8), kWeightDecay, kMaximize};
constexpr OptionSpec kNAdam[] = {rate(2e-3),
                                 kBetas,
                                 eps(1e-8),
                                 kWeightDecay,
                                 {"momentum_decay", S::kNumber, 4e-3, "decay of the momentum"},
                                 kDecoupled,
                                 kMaximize};
constexpr OptionSpec kRAdam[] = {rate(1e-3),   kBetas,     eps(1e-8),
                                 kWeightDecay, kDecoupled, kMaximize};
constexpr OptionSpec kLion[] = {rate(1e-4),
                                {"betas", S::kBetas, 0.9, "of the step, and of the average", 0.99},
                                {"weight_decay", S::kNumber, 0, "decoupled decay of the weights"},
                                kMaximize};

// What a family is called, its options and its states.
struct Description {
  const char* name;
  OptionSpecs options;
  std::vector<std::string> states;
};

template <class Family> const Description& description();
template <> const Description& description<optimizer::RmsProp>() {
  static const Description d{"RMSprop", kRmsProp, {"square_avg"}};
  return d;
}
template <> const Description& description<optimizer::Adagrad>() {
  static const Description d{"Adagrad", kAdagrad, {"sum"}};
  return d;
}
template <> const Description& description<optimizer::Adadelta>() {
  static const Description d{"Adadelta", kAdadelta, {"square_avg", "acc_delta"}};
  return d;
}
template <> const Description& description<optimizer::Adamax>() {
  static const Description d{"Adamax", kAdamax, {"exp_avg", "exp_inf"}};
  return d;
}
template <> const Description& description<optimizer::NAdam>() {
  static const Description d{"NAdam", kNAdam, {"exp_avg", "exp_avg_sq", "mu_product"}};
  return d;
}
template <> const Description& description<optimizer::RAdam>() {
  static const Description d{"RAdam", kRAdam, {"exp_avg", "exp_avg_sq"}};
  return d;
}
template <> const Description& description<optimizer::Lion>() {
  static const Description d{"Lion", kLion, {"exp_avg"}};
  return d;
}

template <class T, class Family> auto add(const char* what) {
  const Description& d = description<Family>();
  std::vector<std::string> names{std::string("iolaus.optim.") + d.name};
  if (!std::is_same_v<Family, optimizer::Lion>)
    names.push_back(std::string("torch.optim.") + d.name);
  return register_optimizer<T>(names, what, d.options);
}

const auto kRegisteredRmsProp =
    add<RMSprop, optimizer::RmsProp>("divides by a running root mean square of the gradient");
const auto kRegisteredAdagrad =
    add<Adagrad, optimizer::Adagrad>("divides by the root of the sum of squared gradients");
const auto kRegisteredAdadelta = add<Adadelta, optimizer::Adadelta>(
    "steps as large as the last ones, over the size of the gradient");
const auto kRegisteredAdamax = add<Adamax, optimizer::Adamax>("Adam with the largest gradient");
const auto kRegisteredNAdam = add<NAdam, optimizer::NAdam>("Adam with Nesterov's momentum");
const auto kRegisteredRAdam =
    add<RAdam, optimizer::RAdam>("Adam that rectifies the variance of its first steps");
const auto kRegisteredLion = add<Lion, optimizer::Lion>("the sign of a momentum");

template <class Family> constexpr bool kIsNAdam = std::is_same_v<Family, optimizer::NAdam>;

double value_or(const OptimizerOptions& options, const char* name, double otherwise) {
  const auto found = options.find(name);
  return found == options.end() ? otherwise : found->second;
}

// The numbers that the options set; a family reads those that it has.
void set_numbers(OptimizerStep& step, const OptimizerOptions& o) {
  step.lr = o.at("lr");
  step.weight_decay = o.at("weight_decay");
  step.maximize = o.at("maximize") != 0;
  step.eps = value_or(o, "eps", 0);
  step.beta1 = value_or(o, "beta1", 0);
  step.beta2 = value_or(o, "beta2", 0);
  step.momentum = value_or(o, "momentum", 0);
  step.alpha = value_or(o, "alpha", 0);
  step.centered = value_or(o, "centered", 0) != 0;
  step.rho = value_or(o, "rho", 0);
  step.lr_decay = value_or(o, "lr_decay", 0);
  step.momentum_decay = value_or(o, "momentum_decay", 0);
  step.decoupled = value_or(o, "decoupled_weight_decay", 0) != 0;
}

}  // namespace

template <class Family>
ElementwiseOptimizer<Family>::ElementwiseOptimizer(std::vector<ParamGroup> param_groups,
                                                   const OptimizerOptions& options)
    : FusedOptimizer(
          std::move(param_groups),
          with_defaults(description<Family>().name, description<Family>().options, options)) {
  for (const ParamGroup& group : groups()) ElementwiseOptimizer::check_group(group);
}

template <class Family> std::string ElementwiseOptimizer<Family>::type_name() const {
  return description<Family>().name;
}

template <class Family>
std::vector<std::string> ElementwiseOptimizer<Family>::buffer_names(
    const OptimizerOptions& options) const {
  std::vector<std::string> names = description<Family>().states;
  if (value_or(options, "momentum", 0) > 0) names.push_back("momentum_buffer");
  if (value_or(options, "centered", 0) != 0) names.push_back("grad_avg");
  return names;
}

template <class Family>
Tensor ElementwiseOptimizer<Family>::new_buffer(size_t index, const Tensor& p,
                                                const OptimizerOptions& options) const {
  if (kIsNAdam<Family> && index == 2) return ones({}, {.dtype = kFloat64});
  const Tensor buffer = zeros_like(p.detach());
  const double start = value_or(options, "initial_accumulator_value", 0);
  return start == 0 ? buffer : fill_(buffer, start);
}

template <class Family>
void ElementwiseOptimizer<Family>::check_group(const ParamGroup& group) const {
  check_options(type_name(), description<Family>().options, group.options);
  const double rho = value_or(group.options, "rho", 0);
  IOLAUS_CHECK(rho <= 1, "[{}] expected rho in [0, 1], got {}", type_name(), rho);
}

template <class Family>
void ElementwiseOptimizer<Family>::set_item(OptimizerItem& item, ParamState& state,
                                            const OptimizerOptions& options) {
  if constexpr (kIsNAdam<Family>) {
    OptimizerStep step;
    set_numbers(step, options);
    double* product = state.buffers[2].template data<double>();
    *product *= Family::mu(step, item.step);
    item.mu_product = *product;
    item.state[2] = nullptr;  // it is a number of the host
  }
}

template <class Family>
void ElementwiseOptimizer<Family>::run(OptimizerStep& step, const OptimizerOptions& options) {
  set_numbers(step, options);
  optimizer_kernels<Family>()(step);
}

template class ElementwiseOptimizer<optimizer::RmsProp>;
template class ElementwiseOptimizer<optimizer::Adagrad>;
template class ElementwiseOptimizer<optimizer::Adadelta>;
template class ElementwiseOptimizer<optimizer::Adamax>;
template class ElementwiseOptimizer<optimizer::NAdam>;
template class ElementwiseOptimizer<optimizer::RAdam>;
template class ElementwiseOptimizer<optimizer::Lion>;

}  // namespace iolaus::nn
