// What all optimizers share: groups, states, the loop over parameters.
#include "nn/optim/optimizer.h"

#include <set>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"

namespace iolaus::nn {

std::vector<ParamGroup> one_group(Tensors params) { return {{std::move(params), {}}}; }

Optimizer::Optimizer(std::vector<ParamGroup> groups, const OptimizerOptions& defaults)
    : defaults_(defaults) {
  for (ParamGroup& group : groups) {
    adopt(group);
    groups_.push_back(std::move(group));
  }
  const bool empty = std::all_of(groups_.begin(), groups_.end(),
                                 [](const ParamGroup& group) { return group.params.empty(); });
  IOLAUS_CHECK(!empty, "[optimizer] there are no parameters to train");
}

void Optimizer::adopt(ParamGroup& group) const {
  std::set<const TensorImpl*> seen;
  for (const ParamGroup& own : groups_) {
    for (const Tensor& p : own.params) seen.insert(p.impl());
  }
  for (const auto& [name, value] : group.options) {
    IOLAUS_CHECK(defaults_.contains(name) || name == "initial_lr",
                 "[optimizer] there is no option '{}'", name);
  }
  group.options.insert(defaults_.begin(), defaults_.end());
  for (const Tensor& p : group.params) {
    IOLAUS_CHECK(p.is_leaf(), "[optimizer] a parameter must be a leaf, got {}", p.describe());
    IOLAUS_CHECK(seen.insert(p.impl()).second, "[optimizer] a parameter appears twice");
  }
}

void Optimizer::add_param_group(ParamGroup group) {
  adopt(group);
  check_group(group);
  groups_.push_back(std::move(group));
}

void Optimizer::zero_grad() {
  for (const ParamGroup& group : groups_) {
    for (const Tensor& p : group.params) p.set_grad({});
  }
}

void Optimizer::step() {
  const NoGrad no_grad;
  for (const ParamGroup& group : groups_) update(group);
}

Tensor Optimizer::step(const Closure& closure) { return step_with(closure); }

Tensor Optimizer::step_with(const Closure& closure) {
  Tensor loss;
  {
    const GradMode with_grad(true);
    loss = closure();
  }
  step();
  return loss;
}

Tensor Optimizer::new_buffer(size_t, const Tensor& p, const OptimizerOptions&) const {
  return zeros_like(p.detach());
}

Optimizer::ParamState& Optimizer::state_of(const Tensor& p, size_t buffers,
                                           const OptimizerOptions& options) {
  ParamState& state = state_[p.impl()];
  while (state.buffers.size() < buffers) {
    state.buffers.push_back(new_buffer(state.buffers.size(), p, options));
  }
  return state;
}

void FusedOptimizer::update(const ParamGroup& group) {
  const size_t buffers = buffer_names(group.options).size();
  // One call for each dtype and device: nearly always one.
  std::vector<OptimizerStep> calls;
  for (const Tensor& p : group.params) {
    Tensor g = p.grad();
    if (!g.defined() || p.numel() == 0) continue;
    IOLAUS_CHECK(p.is_contiguous(), "[optimizer] expected contiguous parameters, got strides {}",
                 p.strides().str());
    if (!g.is_contiguous() || g.dtype() != p.dtype()) {
      g = contiguous(iolaus::to(g, p.dtype()));
      p.set_grad(g);  // keeps it alive until the kernel has read it
    }
    ParamState& state = state_of(p, buffers, group.options);
    OptimizerItem item{p.raw_data(), g.raw_data(), {}, p.numel(), ++state.step};
    for (size_t i = 0; i < std::min<size_t>(buffers, 3); ++i) {
      item.state[i] = state.buffers[i].raw_data();
    }
    set_item(item, state, group.options);
    auto call = std::find_if(calls.begin(), calls.end(), [&](const OptimizerStep& c) {
      return c.element == p.dtype() && c.target == p.device();
    });
    if (call == calls.end()) {
      calls.emplace_back();
      call = calls.end() - 1;
      call->element = call->compute = p.dtype();
      call->target = p.device();
    }
    call->items.push_back(item);
    p.bump_version();
  }
  for (OptimizerStep& call : calls) run(call, group.options);
}

void ComposedOptimizer::update(const ParamGroup& group) {
  const size_t buffers = buffer_names(group.options).size();
  const auto maximize = group.options.find("maximize");
  for (const Tensor& p : group.params) {
    Tensor g = p.grad();
    if (!g.defined() || p.numel() == 0) continue;
    g = iolaus::to(g, p.dtype());
    if (maximize != group.options.end() && maximize->second != 0) g = neg(g);
    ParamState& state = state_of(p, buffers, group.options);
    ++state.step;
    update_param(p, g, state, group.options);
  }
}

std::map<std::string, Tensor> Optimizer::state_dict() const {
  std::map<std::string, Tensor> all;
  int64_t index = 0;
  for (const ParamGroup& group : groups_) {
    const auto names = buffer_names(group.options);
    for (const Tensor& p : group.params) {
      const auto found = state_.find(p.impl());
      const std::string prefix = std::to_string(index++) + ".";
      if (found == state_.end()) continue;
      all.emplace(prefix + "step", from_values<int64_t>({found->second.step}, {}));
      const std::vector<Tensor>& buffers = found->second.buffers;
      for (size_t i = 0; i < std::min(names.size(), buffers.size()); ++i) {
        if (buffers[i].defined()) all.emplace(prefix + names[i], buffers[i]);
      }
    }
  }
  return all;
}

void Optimizer::load_state_dict(const std::map<std::string, Tensor>& saved) {
  const NoGrad no_grad;
  std::map<const TensorImpl*, ParamState> state;
  size_t used = 0;
  int64_t index = 0;
  for (const ParamGroup& group : groups_) {
    const auto names = buffer_names(group.options);
    for (const Tensor& p : group.params) {
      const std::string prefix = std::to_string(index++) + ".";
      const auto step = saved.find(prefix + "step");
      if (step == saved.end()) continue;
      ParamState& own = state[p.impl()];
      own.step = iolaus::to(step->second, kInt64).item<int64_t>();
      ++used;
      for (size_t i = 0; i < names.size(); ++i) {
        Tensor& buffer = own.buffers.emplace_back(new_buffer(i, p, group.options));
        if (!buffer.defined()) continue;
        const auto found = saved.find(prefix + names[i]);
        IOLAUS_CHECK(found != saved.end(), "[load_state_dict] {} misses '{}'", type_name(),
                     prefix + names[i]);
        IOLAUS_CHECK(found->second.sizes() == buffer.sizes(),
                     "[load_state_dict] '{}' has shape {}, that of the parameter is {}",
                     prefix + names[i], found->second.sizes().str(), buffer.sizes().str());
        copy_(buffer, iolaus::to(found->second, buffer.device()));
        ++used;
      }
    }
  }
  IOLAUS_CHECK(used == saved.size(), "[load_state_dict] {} entries do not belong to {}",
               saved.size() - used, type_name());
  state_ = std::move(state);
}

std::vector<OptimizerOptions> Optimizer::options() const {
  std::vector<OptimizerOptions> all;
  for (const ParamGroup& group : groups_) all.push_back(group.options);
  return all;
}

void Optimizer::set_options(const std::vector<OptimizerOptions>& options) {
  IOLAUS_CHECK(options.size() == groups_.size(), "[optimizer] {} groups, but options for {}",
               groups_.size(), options.size());
  for (size_t i = 0; i < options.size(); ++i) groups_[i].options = options[i];
}

}  // namespace iolaus::nn
