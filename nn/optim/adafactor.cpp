// Adafactor, and its names in configs.
#include <cmath>
#include <limits>

#include "autograd/ops.h"
#include "nn/optim/composed.h"
#include "nn/optim/options.h"

namespace iolaus::nn {
namespace {

using S = OptionSpec;

constexpr OptionSpec kOptions[] = {
    {"lr", S::kNumber, 1e-2, "learning rate, the most that a step may be"},
    {"d", S::kNumber, 1, "the root mean square from which on a step is scaled down"},
    {"weight_decay", S::kNumber, 0, "decoupled decay of the weights"},
    {"maximize", S::kFlag, 0, "ascends instead"},
};
constexpr double kBeta2Decay = -0.8, kEps2 = 1e-3;

std::vector<config::Param> params() {
  std::vector<config::Param> all = option_params(kOptions);
  all.emplace_back("beta2_decay", config::ParamType::kFloat,
                   "exponent of the decay of the averages, at most 0", kBeta2Decay);
  config::Node eps = config::Node::list();
  eps.append(nullptr);
  eps.append(kEps2);
  all.emplace_back("eps", config::ParamType::kAny,
                   "the smallest root of an average (null: the dtype's epsilon) and the smallest "
                   "root mean square of a parameter",
                   eps);
  return all;
}

const config::Register<Adafactor, Optimizer> kAdafactor{
    {"iolaus.optim.Adafactor", "torch.optim.Adafactor"},
    "sums over rows and columns in place of Adam's second average",
    params(),
    [](const config::Args& a) {
      OptimizerOptions options = options_from(kOptions, a);
      options["beta2_decay"] = a.get<double>("beta2_decay");
      const config::Node& eps = a.node("eps");
      if (!eps.is_list() || eps.size() != 2) a.fail_about("eps", "expected a list of two numbers");
      if (!eps.child(0).is_null()) options["eps1"] = eps.child(0).as_float();
      options["eps2"] = eps.child(1).as_float();
      return std::make_shared<Adafactor>(a.extra<std::vector<ParamGroup>>("params"), options);
    }};

OptimizerOptions all_options(OptimizerOptions given) {
  OptimizerOptions own{{"beta2_decay", kBeta2Decay}, {"eps1", -1}, {"eps2", kEps2}};
  for (auto& [name, value] : own) {
    if (const auto found = given.find(name); found != given.end()) {
      value = found->second;
      given.erase(found);
    }
  }
  own.merge(with_defaults("Adafactor", kOptions, given));
  return own;
}

double epsilon_of(DType dtype) {
  switch (dtype) {
    case kFloat64:
      return std::numeric_limits<double>::epsilon();
    case kFloat16:
      return 0x1p-10;
    case kBFloat16:
      return 0x1p-7;
    default:
      return std::numeric_limits<float>::epsilon();
  }
}

// The mean of the squares over a dimension, which stays with size 1.
Tensor mean_square(const Tensor& g, int64_t dim) {
  return square(vector_norm(g, 2, {dim}, true)) / static_cast<double>(g.size(dim));
}

}  // namespace

Adafactor::Adafactor(std::vector<ParamGroup> param_groups, const OptimizerOptions& options)
    : ComposedOptimizer(std::move(param_groups), all_options(options)) {
  for (const ParamGroup& group : groups()) Adafactor::check_group(group);
}

void Adafactor::check_group(const ParamGroup& group) const {
  check_options("Adafactor", kOptions, group.options);
  const OptimizerOptions& o = group.options;
  IOLAUS_CHECK(o.at("beta2_decay") <= 0, "[Adafactor] expected beta2_decay of at most 0, got {}",
               o.at("beta2_decay"));
  IOLAUS_CHECK(o.at("d") >= 1, "[Adafactor] expected d of at least 1, got {}", o.at("d"));
  IOLAUS_CHECK(o.at("eps2") >= 0, "[Adafactor] eps must not be negative, got {}", o.at("eps2"));
}

std::vector<std::string> Adafactor::buffer_names(const OptimizerOptions&) const {
  return {"row_var", "col_var", "variance"};
}

Tensor Adafactor::new_buffer(size_t index, const Tensor& p, const OptimizerOptions&) const {
  const bool factored = p.dim() > 1;
  if (factored != (index < 2)) return {};
  Dims sizes = p.sizes();
  if (index < 2) sizes[sizes.size() - 1 - index] = 1;
  return zeros(sizes, p.options());
}

void Adafactor::update_param(const Tensor& p, const Tensor& g, ParamState& state,
                             const OptimizerOptions& o) {
  const double t = static_cast<double>(state.step), lr = o.at("lr");
  const double keep = std::pow(t, o.at("beta2_decay"));
  const double eps1 = o.at("eps1") < 0 ? epsilon_of(p.dtype()) : o.at("eps1");
  const double root = std::sqrt(static_cast<double>(p.numel()));
  const Tensor rate =
      clamp(vector_norm(p) / root, o.at("eps2"), std::nullopt) * std::min(lr, 1 / std::sqrt(t));
  Tensor estimate;
  if (g.dim() > 1) {
    const Tensor &rows = state.buffers[0], &columns = state.buffers[1];
    copy_(rows, lerp(rows, mean_square(g, -1), keep));
    copy_(columns, lerp(columns, mean_square(g, -2), keep));
    estimate = matmul(rows, columns) / clamp(mean(rows, {-2}, true), eps1, std::nullopt);
  } else {
    const Tensor& variance = state.buffers[2];
    copy_(variance, lerp(variance, g * g, keep));
    estimate = variance;
  }
  const Tensor step = rsqrt(clamp(estimate, eps1 * eps1, std::nullopt)) * g;
  const Tensor size = clamp(vector_norm(step) / (root * o.at("d")), 1.0, std::nullopt);
  const Tensor decayed = o.at("weight_decay") == 0 ? p : p * (1 - lr * o.at("weight_decay"));
  copy_(p, decayed - step * (rate / size));
}

}  // namespace iolaus::nn
