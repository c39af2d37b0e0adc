// Kernel sets of the elementwise optimizers of rules.h, and their samples.
#include "kernels/optimizer/rules.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

// Steps with this many states, whose values begin at low and reach one more.
std::vector<OptimizerStep> samples(std::vector<OptimizerStep> steps, DType dtype,
                                   const std::vector<std::vector<double>>& lows) {
  uint64_t seed = 1;
  for (size_t k = 0; k < steps.size(); ++k) {
    OptimizerStep& step = steps[k];
    step.compute = dtype;
    step.state_count = static_cast<int>(lows[k].size());
    int64_t at = 1;
    for (int64_t n : {1, 0, 33, 1000, 40000}) {
      step.items.emplace_back().step = at;
      step.items.back().mu_product = std::pow(0.5, static_cast<double>(at));
      at += 3;
      step.keep.push_back(sample_tensor({n}, dtype, ++seed));
      step.keep.push_back(sample_tensor({n}, dtype, ++seed));
      for (double low : lows[k])
        step.keep.push_back(sample_tensor({n}, dtype, ++seed, low, low + 1));
    }
    step.prepare();
  }
  return steps;
}

// A step without and one with weight decay, which ascends and decouples.
std::vector<OptimizerStep> both(OptimizerStep step) {
  step.lr = 0.01;
  OptimizerStep other = step;
  other.weight_decay = 0.02;
  other.maximize = other.decoupled = true;
  return {step, other};
}

std::vector<OptimizerStep> rmsprop_samples(DType dtype) {
  std::vector<OptimizerStep> steps = both({});
  for (int i = 0; i < 2; ++i) {
    steps.push_back(steps[static_cast<size_t>(i)]);
    steps.back().momentum = 0.9;
  }
  steps[1].centered = steps[3].centered = true;
  // The mean is far from the root of the mean square, so that their difference is well conditioned.
  return samples(steps, dtype, {{0.1}, {2, -0.5}, {0.1, -0.5}, {2, -0.5, -0.5}});
}

std::vector<OptimizerStep> adagrad_samples(DType dtype) {
  std::vector<OptimizerStep> steps = both({});
  steps[1].lr_decay = 0.1;
  return samples(steps, dtype, {{0.1}, {0.1}});
}

std::vector<OptimizerStep> adadelta_samples(DType dtype) {
  return samples(both({}), dtype, {{0.1, 0.1}, {0.1, 0.1}});
}

std::vector<OptimizerStep> adam_like_samples(DType dtype) {
  OptimizerStep step;
  step.momentum_decay = 0.004;
  step.beta2 = 0.9;  // some of the sampled steps are rectified, some are not
  return samples(both(step), dtype, {{-0.5, 0.1}, {-0.5, 0.1}});
}

std::vector<OptimizerStep> lion_samples(DType dtype) {
  OptimizerStep step;
  step.beta1 =
      0.75;  // exact sums of short numbers: the sign of a zero would be a matter of rounding
  step.beta2 = 0.99;
  return samples(both(step), dtype, {{-0.5}, {-0.5}});
}

}  // namespace

template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::RmsProp>() {
  static auto* set = new KernelSet<OptimizerStep>("optimizer", "rmsprop", rmsprop_samples);
  return *set;
}
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::Adagrad>() {
  static auto* set = new KernelSet<OptimizerStep>("optimizer", "adagrad", adagrad_samples);
  return *set;
}
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::Adadelta>() {
  static auto* set = new KernelSet<OptimizerStep>("optimizer", "adadelta", adadelta_samples);
  return *set;
}
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::Adamax>() {
  static auto* set = new KernelSet<OptimizerStep>("optimizer", "adamax", adam_like_samples);
  return *set;
}
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::NAdam>() {
  static auto* set = new KernelSet<OptimizerStep>("optimizer", "nadam", adam_like_samples);
  return *set;
}
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::RAdam>() {
  static auto* set = new KernelSet<OptimizerStep>("optimizer", "radam", adam_like_samples);
  return *set;
}
template <> KernelSet<OptimizerStep>& optimizer_kernels<optimizer::Lion>() {
  static auto* set = new KernelSet<OptimizerStep>("optimizer", "lion", lion_samples);
  return *set;
}

}  // namespace iolaus
