// Arguments and samples of optimizer steps, of the norm, the scaling and the clamping of
// gradients.
#include "kernels/optimizer/optimizer.h"

#include <limits>

#include "kernels/check.h"

namespace iolaus {

std::string OptimizerStep::describe() const {
  int64_t numel = 0;
  for (const OptimizerItem& item : items) numel += item.numel;
  return fmt::format(
      "{} {} parameters, {} elements, lr {} wd {} momentum {} dampening {} nesterov {} amsgrad {} "
      "decoupled {} centered {} maximize {} on {}",
      dtype_name(compute), items.size(), numel, lr, weight_decay, momentum, dampening, nesterov,
      amsgrad, decoupled, centered, maximize, target.str());
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
  return {2 * n, n * static_cast<double>(item_size(compute)) * (scales || clamps ? 2 : 1)};
}

void TensorList::prepare() {
  if (!clamps) scalar = keep[0].raw_data();
  if (scales) found_inf = keep[1].raw_data();
  items.clear();
  for (size_t i = scalars(); i < keep.size(); ++i) {
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

TensorList with_lists(TensorList list, DType dtype, uint64_t& seed) {
  list.compute = dtype;
  const DType stat = dtype == kFloat64 ? kFloat64 : kFloat32;
  if (!list.clamps) list.keep.push_back(sample_tensor({}, stat, ++seed, 0.25, 0.5));
  if (list.scales) list.keep.push_back(sample_tensor({}, stat, ++seed, 0, 0));
  for (int64_t n : kSizes) list.keep.push_back(sample_tensor({n}, dtype, ++seed));
  list.prepare();
  return list;
}

void set_element(const Tensor& x, int64_t at, double value) {
  visit_dtype(FloatTypes{}, "sample", x.dtype(), [&]<class T>() {
    x.data<T>()[at] = static_cast<T>(static_cast<MathType<T>>(value));
  });
}
const double kNotFinite[] = {std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()};

std::vector<TensorList> norm_samples(DType dtype) {
  std::vector<TensorList> samples;
  uint64_t seed = 1;
  for (double order : {2.0, 1.0, 3.0, std::numeric_limits<double>::infinity()}) {
    TensorList list;
    list.order = order;
    samples.push_back(with_lists(list, dtype, seed));
  }
  // The largest of numbers of which one is NaN is NaN.
  set_element(samples.back().keep.back(), 777, kNotFinite[1]);
  return samples;
}

std::vector<TensorList> scale_samples(DType dtype) {
  std::vector<TensorList> samples;
  uint64_t seed = 1;
  for (int kind = 0; kind < 3; ++kind) {
    TensorList list;
    list.scales = true;
    samples.push_back(with_lists(list, dtype, seed));
    if (kind > 0) set_element(samples.back().keep.back(), 777, kNotFinite[kind - 1]);
  }
  return samples;
}

std::vector<TensorList> clamp_samples(DType dtype) {
  std::vector<TensorList> samples;
  uint64_t seed = 1;
  for (double limit : {0.5, 0.0}) {
    TensorList list;
    list.clamps = true;
    list.limit = limit;
    samples.push_back(with_lists(list, dtype, seed));
    for (int i = 0; i < 2; ++i) set_element(samples.back().keep.back(), 777 + i, kNotFinite[i]);
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
  static auto* set = new KernelSet<TensorList>("optimizer", "grad_norm", norm_samples);
  return *set;
}
KernelSet<TensorList>& grad_scale_kernels() {
  static auto* set = new KernelSet<TensorList>("optimizer", "grad_scale", scale_samples);
  return *set;
}
KernelSet<TensorList>& grad_clamp_kernels() {
  static auto* set = new KernelSet<TensorList>("optimizer", "grad_clamp", clamp_samples);
  return *set;
}

}  // namespace iolaus
