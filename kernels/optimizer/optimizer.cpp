// Arguments and samples of optimizer steps, of the norm and the scaling of gradients.
#include "kernels/optimizer/optimizer.h"

#include <limits>

#include "kernels/check.h"

namespace iolaus {

std::string OptimizerStep::describe() const {
  int64_t numel = 0;
  for (const OptimizerItem& item : items) numel += item.numel;
  return fmt::format(
      "{} {} parameters, {} elements, lr {} wd {} momentum {} dampening {} nesterov {} amsgrad {} "
      "decoupled {} maximize {} on {}",
      dtype_name(compute), items.size(), numel, lr, weight_decay, momentum, dampening, nesterov,
      amsgrad, decoupled, maximize, target.str());
}

Cost OptimizerStep::cost() const {
  Cost cost;
  for (const OptimizerItem& item : items) {
    int states = 0;
    for (const void* state : item.state) states += state != nullptr;
    const double n = static_cast<double>(item.numel);
    cost.flops += n * (4 + 4 * states);
    cost.bytes += n * static_cast<double>(item_size(compute)) * (3 + 2 * states);
  }
  return cost;
}

void OptimizerStep::prepare() {
  const size_t width = static_cast<size_t>(2 + state_count);
  for (size_t i = 0; i < items.size(); ++i) {
    const Tensor* tensors = &keep[i * width];
    items[i].param = tensors[0].raw_data();
    items[i].grad = tensors[1].raw_data();
    for (int s = 0; s < state_count; ++s) items[i].state[s] = tensors[2 + s].raw_data();
    items[i].numel = tensors[0].numel();
  }
  element = keep[0].dtype();
  target = keep[0].device();
}

int64_t TensorList::numel() const {
  int64_t total = 0;
  for (const Item& item : items) total += item.numel;
  return total;
}

std::string TensorList::describe() const {
  return fmt::format("{} {} tensors, {} elements on {}", dtype_name(compute), items.size(), numel(),
                     target.str());
}

Cost TensorList::cost() const {
  const double n = static_cast<double>(numel());
  return {2 * n, n * static_cast<double>(item_size(compute)) * (scales ? 2 : 1)};
}

void TensorList::prepare() {
  scalar = keep[0].raw_data();
  const size_t first = scales ? 2 : 1;
  if (scales) found_inf = keep[1].raw_data();
  items.clear();
  for (size_t i = first; i < keep.size(); ++i) {
    items.push_back({keep[i].raw_data(), keep[i].numel()});
  }
  element = keep.back().dtype();
  target = keep[0].device();
}

namespace {

const int64_t kSizes[] = {1, 0, 33, 1000, 40000};

OptimizerStep with_tensors(OptimizerStep step, DType dtype, int states, uint64_t& seed) {
  step.compute = dtype;
  step.state_count = states;
  int64_t count = 0;
  for (int64_t n : kSizes) {
    step.items.emplace_back();
    step.items.back().step = 1 + count++ * 3;
    step.keep.push_back(sample_tensor({n}, dtype, ++seed));
    step.keep.push_back(sample_tensor({n}, dtype, ++seed));
    for (int s = 0; s < states; ++s) {
      step.keep.push_back(sample_tensor({n}, dtype, ++seed, s == 0 ? -1 : 0.1, 1));
    }
  }
  step.prepare();
  return step;
}

std::vector<OptimizerStep> sgd_samples(DType dtype) {
  std::vector<OptimizerStep> samples;
  uint64_t seed = 1;
  for (bool decay : {false, true}) {
    OptimizerStep step;
    step.lr = 0.1;
    step.weight_decay = decay ? 0.01 : 0;
    step.maximize = decay;
    samples.push_back(with_tensors(step, dtype, 0, seed));
    step.momentum = 0.9;
    step.dampening = decay ? 0 : 0.2;
    step.nesterov = decay;
    samples.push_back(with_tensors(step, dtype, 1, seed));
  }
  return samples;
}

std::vector<OptimizerStep> adam_samples(DType dtype) {
  std::vector<OptimizerStep> samples;
  uint64_t seed = 1;
  for (bool amsgrad : {false, true}) {
    for (bool decoupled : {false, true}) {
      OptimizerStep step;
      step.lr = 0.01;
      step.weight_decay = 0.02;
      step.amsgrad = amsgrad;
      step.decoupled = decoupled;
      step.maximize = amsgrad != decoupled;
      samples.push_back(with_tensors(step, dtype, amsgrad ? 3 : 2, seed));
    }
  }
  return samples;
}

template <bool scales> std::vector<TensorList> list_samples(DType dtype) {
  std::vector<TensorList> samples;
  uint64_t seed = 1;
  for (int kind = 0; kind < (scales ? 3 : 1); ++kind) {
    TensorList list;
    list.compute = dtype;
    list.scales = scales;
    const DType stat = dtype == kFloat64 ? kFloat64 : kFloat32;
    list.keep.push_back(sample_tensor({}, stat, ++seed, 0.25, 0.5));
    if (scales) list.keep.push_back(sample_tensor({}, stat, ++seed, 0, 0));
    for (int64_t n : kSizes) list.keep.push_back(sample_tensor({n}, dtype, ++seed));
    if (kind > 0) {
      const double bad[] = {std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN()};
      const Tensor& x = list.keep.back();
      visit_dtype(FloatTypes{}, "sample", dtype, [&]<class T>() {
        x.data<T>()[777] = static_cast<T>(static_cast<MathType<T>>(bad[kind - 1]));
      });
    }
    list.prepare();
    samples.push_back(std::move(list));
  }
  return samples;
}

}  // namespace

KernelSet<OptimizerStep>& sgd_kernels() {
  static auto* set = new KernelSet<OptimizerStep>("optimizer", "sgd", sgd_samples);
  return *set;
}
KernelSet<OptimizerStep>& adam_kernels() {
  static auto* set = new KernelSet<OptimizerStep>("optimizer", "adam", adam_samples);
  return *set;
}
KernelSet<TensorList>& grad_norm_kernels() {
  static auto* set = new KernelSet<TensorList>("optimizer", "grad_norm", list_samples<false>);
  return *set;
}
KernelSet<TensorList>& grad_scale_kernels() {
  static auto* set = new KernelSet<TensorList>("optimizer", "grad_scale", list_samples<true>);
  return *set;
}

}  // namespace iolaus
