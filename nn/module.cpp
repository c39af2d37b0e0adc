// The module tree: names, state, modes, moves.
#include "nn/module.h"

#include <algorithm>

#include "autograd/grad_mode.h"

namespace iolaus::nn {
namespace {

void append(NamedTensors& all, NamedTensors&& more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

void Module::check_name(const std::string& name) const {
  IOLAUS_CHECK(!name.empty() && name.find('.') == std::string::npos,
               "[Module] '{}' cannot be a name: it is empty or has a dot", name);
  const auto taken = [&](const auto& list) {
    for (const auto& entry : list) {
      if (entry.first == name) return true;
    }
    return false;
  };
  IOLAUS_CHECK(!taken(parameters_) && !taken(buffers_) && !taken(children_),
               "[Module] the name '{}' is taken", name);
}

Tensor Module::register_parameter(const std::string& name, Tensor value) {
  check_name(name);
  if (!value.defined()) return value;
  value.set_requires_grad();
  parameters_.emplace_back(name, value);
  return value;
}

void Module::register_parameter(const std::string& name, Tensor& member, Tensor value) {
  member = register_parameter(name, std::move(value));
  if (member.defined()) members_[name] = &member;
}

Tensor Module::register_buffer(const std::string& name, Tensor value, bool persistent) {
  check_name(name);
  if (!value.defined()) return value;
  buffers_.emplace_back(name, value);
  if (!persistent) transient_.insert(name);
  return value;
}

void Module::add_child(const std::string& name, std::shared_ptr<Module> module) {
  check_name(name);
  IOLAUS_CHECK(module != nullptr, "[Module] the child '{}' is null", name);
  children_.emplace_back(name, std::move(module));
}

NamedTensors Module::named_parameters(const std::string& prefix) const {
  NamedTensors all;
  for (const auto& [name, tensor] : parameters_) all.emplace_back(prefix + name, tensor);
  for (const auto& [name, child] : children_) {
    append(all, child->named_parameters(prefix + name + "."));
  }
  return all;
}

NamedTensors Module::named_buffers(const std::string& prefix) const {
  NamedTensors all;
  for (const auto& [name, tensor] : buffers_) all.emplace_back(prefix + name, tensor);
  for (const auto& [name, child] : children_)
    append(all, child->named_buffers(prefix + name + "."));
  return all;
}

Tensors Module::parameters() const {
  // A module that is used in two places has its parameters once.
  Tensors all;
  std::set<const TensorImpl*> seen;
  for (const auto& [name, tensor] : named_parameters()) {
    if (seen.insert(tensor.impl()).second) all.push_back(tensor);
  }
  return all;
}

int64_t Module::parameter_count() const {
  int64_t count = 0;
  for (const Tensor& p : parameters()) count += p.numel();
  return count;
}

std::vector<std::pair<std::string, Module*>> Module::named_modules(const std::string& prefix) {
  std::vector<std::pair<std::string, Module*>> all{{prefix, this}};
  std::set<Module*> seen{this};
  for (size_t i = 0; i < all.size(); ++i) {
    const auto [path, module] = all[i];
    size_t place = i;
    for (const auto& [name, child] : module->children_) {
      if (!seen.insert(child.get()).second) continue;
      all.insert(all.begin() + static_cast<std::ptrdiff_t>(++place),
                 {path.empty() ? name : path + "." + name, child.get()});
    }
  }
  return all;
}

void Module::collect_state(const std::string& prefix, std::map<std::string, Tensor>& state) const {
  for (const auto& [name, tensor] : parameters_) state.emplace(prefix + name, tensor.detach());
  for (const auto& [name, tensor] : buffers_) {
    if (!transient_.contains(name)) state.emplace(prefix + name, tensor.detach());
  }
  for (const auto& [name, child] : children_) child->collect_state(prefix + name + ".", state);
}

std::map<std::string, Tensor> Module::state_dict() const {
  std::map<std::string, Tensor> state;
  collect_state("", state);
  return state;
}

LoadResult Module::load_state_dict(const std::map<std::string, Tensor>& state, bool strict) {
  const auto own = state_dict();
  LoadResult result;
  std::string problems;
  for (const auto& [name, tensor] : own) {
    const auto found = state.find(name);
    if (found == state.end()) {
      result.missing.push_back(name);
      if (strict) problems += "\n  missing: " + name;
    } else if (!(found->second.sizes() == tensor.sizes())) {
      problems += fmt::format("\n  {}: expected shape {}, got {}", name, tensor.sizes().str(),
                              found->second.sizes().str());
    }
  }
  for (const auto& [name, tensor] : state) {
    if (own.contains(name)) continue;
    result.unexpected.push_back(name);
    if (strict) problems += "\n  unknown: " + name;
  }
  IOLAUS_CHECK(problems.empty(), "[load_state_dict] the state does not fit {}:{}", type_name(),
               problems);
  const NoGrad no_grad;
  for (const auto& [name, tensor] : own) {
    if (const auto found = state.find(name); found != state.end()) copy_(tensor, found->second);
  }
  return result;
}

void Module::train(bool on) {
  training_ = on;
  for (const auto& [name, child] : children_) child->train(on);
}

template <class Fn> void Module::for_each_tensor(Fn&& fn) const {
  for (const auto& [name, tensor] : named_parameters()) fn(tensor);
  for (const auto& [name, tensor] : named_buffers()) fn(tensor);
}

void Module::to(Device device) {
  const NoGrad no_grad;
  for_each_tensor([&](const Tensor& t) {
    if (t.device() == device) return;
    t.set_data(iolaus::to(t.detach(), device));
    if (t.grad().defined()) t.set_grad(iolaus::to(t.grad(), device));
  });
}

void Module::to(DType dtype) {
  IOLAUS_CHECK_CODE(is_floating(dtype), ErrorCode::kType,
                    "[Module] parameters can be converted to floating dtypes only, got {}",
                    dtype_name(dtype));
  const NoGrad no_grad;
  for_each_tensor([&](const Tensor& t) {
    if (t.dtype() == dtype || !is_floating(t.dtype())) return;
    t.set_data(iolaus::to(t.detach(), dtype));
    t.set_grad({});
  });
}

void Module::zero_grad() {
  for (const Tensor& p : parameters()) p.set_grad({});
}

void Module::requires_grad_(bool value) {
  for (const Tensor& p : parameters()) p.set_requires_grad(value);
}

void Module::apply(const std::function<void(Module&)>& fn) {
  for (const auto& [name, child] : children_) child->apply(fn);
  fn(*this);
}

Tensor Module::parameter(const std::string& name) const {
  for (const auto& [own, tensor] : parameters_) {
    if (own == name) return tensor;
  }
  fail(ErrorCode::kInvalidArgument, "[Module] {} has no parameter '{}'", type_name(), name);
}

std::string Module::print(int indent) const {
  std::string text = type_name() + "(" + describe();
  if (children_.empty()) return text + ")";
  const std::string pad(static_cast<size_t>(indent) + 2, ' ');
  text += "\n";
  for (const auto& [name, child] : children_) {
    text += pad + "(" + name + "): " + child->print(indent + 2) + "\n";
  }
  return text + std::string(static_cast<size_t>(indent), ' ') + ")";
}

}  // namespace iolaus::nn
