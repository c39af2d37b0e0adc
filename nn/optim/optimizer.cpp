// What all optimizers share: groups, states, and the call of the multi-tensor kernel.
#include "nn/optim/optimizer.h"

#include <set>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"

namespace iolaus::nn {

std::vector<ParamGroup> one_group(Tensors params) { return {{std::move(params), {}}}; }

Optimizer::Optimizer(std::vector<ParamGroup> groups, const OptimizerOptions& defaults)
    : groups_(std::move(groups)) {
  std::set<const TensorImpl*> seen;
  for (ParamGroup& group : groups_) {
    for (const auto& [name, value] : group.options) {
      IOLAUS_CHECK(defaults.contains(name), "[optimizer] there is no option '{}'", name);
    }
    group.options.insert(defaults.begin(), defaults.end());
    for (const Tensor& p : group.params) {
      IOLAUS_CHECK(p.is_leaf(), "[optimizer] a parameter must be a leaf, got {}", p.describe());
      IOLAUS_CHECK(seen.insert(p.impl()).second, "[optimizer] a parameter appears twice");
    }
  }
  IOLAUS_CHECK(!seen.empty(), "[optimizer] there are no parameters to train");
}

void Optimizer::zero_grad() {
  for (const ParamGroup& group : groups_) {
    for (const Tensor& p : group.params) p.set_grad({});
  }
}

void Optimizer::step() {
  const NoGrad no_grad;
  for (const ParamGroup& group : groups_) {
    const auto names = buffer_names(group.options);
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
      ParamState& state = state_[p.impl()];
      OptimizerItem item{p.raw_data(), g.raw_data(), {}, p.numel(), ++state.step};
      for (size_t i = 0; i < names.size(); ++i) {
        if (!state.buffers[i].defined()) state.buffers[i] = zeros_like(p.detach());
        item.state[i] = state.buffers[i].raw_data();
      }
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
      for (size_t i = 0; i < names.size(); ++i) {
        all.emplace(prefix + names[i], found->second.buffers[i]);
      }
    }
  }
  return all;
}

void Optimizer::load_state_dict(const std::map<std::string, Tensor>& saved) {
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
      own.step = step->second.item<int64_t>();
      ++used;
      for (size_t i = 0; i < names.size(); ++i) {
        const auto found = saved.find(prefix + names[i]);
        IOLAUS_CHECK(found != saved.end(), "[load_state_dict] {} misses '{}'", type_name(),
                     prefix + names[i]);
        IOLAUS_CHECK(found->second.sizes() == p.sizes(),
                     "[load_state_dict] '{}' has shape {}, the parameter {}", prefix + names[i],
                     found->second.sizes().str(), p.sizes().str());
        own.buffers[i] = iolaus::to(clone(found->second), p.dtype(), p.device());
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
