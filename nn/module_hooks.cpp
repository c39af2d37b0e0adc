// What runs around forward: hooks, and parameters that are computed before each call.
#include "nn/module.h"

namespace iolaus::nn {
namespace {

// What parametrize() puts into the tree, so that names are PyTorch's.
class Parametrizations final : public Module {
 public:
  void add(const std::string& name, std::shared_ptr<Module> source) {
    register_module(name, std::move(source));
  }
  Tensor forward(const Tensor&) override {
    fail(ErrorCode::kUnsupported, "[Parametrizations] has no forward");
  }
  std::string type_name() const override { return "ModuleDict"; }
};

}  // namespace

template <class Hook>
std::function<void()> Module::add_hook(std::shared_ptr<Hooks<Hook>>& hooks, Hook hook) {
  if (!hooks) hooks = std::make_shared<Hooks<Hook>>();
  const int64_t number = hooks->next++;
  hooks->by_number.emplace(number, std::move(hook));
  return [weak = std::weak_ptr(hooks), number] {
    if (const auto alive = weak.lock()) alive->by_number.erase(number);
  };
}

std::function<void()> Module::register_forward_pre_hook(ForwardPreHook hook) {
  return add_hook(pre_hooks_, std::move(hook));
}
std::function<void()> Module::register_forward_hook(ForwardHook hook) {
  return add_hook(hooks_, std::move(hook));
}

Tensor Module::operator()(const Tensor& x) {
  if (!pre_hooks_ && !hooks_) return forward(x);
  Tensor in = x;
  // Copies, since a hook may remove itself.
  if (pre_hooks_) {
    for (const auto& [number, hook] : std::map(pre_hooks_->by_number)) {
      if (Tensor other = hook(*this, in); other.defined()) in = other;
    }
  }
  Tensor out = forward(in);
  if (hooks_) {
    for (const auto& [number, hook] : std::map(hooks_->by_number)) {
      if (Tensor other = hook(*this, in, out); other.defined()) out = other;
    }
  }
  return out;
}

void Module::parametrize(const std::string& name, std::shared_ptr<Module> source,
                         std::function<Tensor()> compute) {
  parameter(name);  // the error where there is none
  const auto member = members_.find(name);
  IOLAUS_CHECK(member != members_.end(), "[parametrize] {} keeps no member for its parameter '{}'",
               type_name(), name);
  std::erase_if(parameters_, [&](const auto& entry) { return entry.first == name; });
  std::shared_ptr<Parametrizations> all;
  for (const auto& [child_name, child] : children_) {
    if (child_name == "parametrizations") all = std::static_pointer_cast<Parametrizations>(child);
  }
  if (!all) all = register_module("parametrizations", std::make_shared<Parametrizations>());
  all->add(name, std::move(source));
  register_forward_pre_hook(
      [slot = member->second, compute = std::move(compute)](Module&, const Tensor&) {
        *slot = compute();
        return Tensor();
      });
}

}  // namespace iolaus::nn
