// The autograd members of Tensor.
#include "autograd/engine.h"
#include "autograd/meta.h"

namespace iolaus {

using autograd::find_meta;
using autograd::meta;

const Tensor& Tensor::set_requires_grad(bool value) const {
  IOLAUS_CHECK(!value || is_floating(dtype()),
               "only floating tensors can require gradients, got {}", dtype_name(dtype()));
  IOLAUS_CHECK(is_leaf() || value,
               "requires_grad of a computed tensor cannot be unset; detach() it");
  impl_->requires_grad = value;
  return *this;
}

bool Tensor::is_leaf() const { return !impl_->requires_grad || grad_fn() == nullptr; }

Tensor Tensor::grad() const {
  const autograd::Meta* m = find_meta(*this);
  if (m == nullptr) return Tensor();
  return m->retained ? *m->retained : m->grad;
}

void Tensor::set_grad(const Tensor& grad) const {
  IOLAUS_CHECK(!grad.defined() || grad.sizes() == sizes(),
               "[set_grad] a gradient of shape {} for a tensor of shape {}", grad.sizes().str(),
               sizes().str());
  if (grad.defined() || find_meta(*this) != nullptr) meta(*this).grad = grad;
}

void Tensor::retain_grad() const {
  IOLAUS_CHECK(requires_grad(), "[retain_grad] the tensor does not require a gradient");
  if (is_leaf() || meta(*this).retained) return;
  // A cell of its own: the hook lives as long as the graph, perhaps longer than the tensor.
  auto cell = std::make_shared<Tensor>();
  meta(*this).retained = cell;
  autograd::current_grad_fn(*this)->add_hook(meta(*this).output, [cell](const Tensor& gradient) {
    *cell = gradient;
    return Tensor();
  });
}

autograd::Node* Tensor::grad_fn() const {
  return impl_->autograd ? autograd::current_grad_fn(*this).get() : nullptr;
}

Tensor Tensor::detach() const { return make_view(*this, sizes(), strides(), offset()); }

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
  iolaus::backward({*this}, gradient.defined() ? Tensors{gradient} : Tensors{},
                   {retain_graph, create_graph});
}

std::function<void()> Tensor::register_hook(std::function<Tensor(const Tensor&)> hook) const {
  IOLAUS_CHECK(requires_grad(), "[register_hook] the tensor does not require a gradient");
  if (const autograd::NodePtr& node = autograd::current_grad_fn(*this)) {
    const uint64_t id = node->add_hook(meta(*this).output, std::move(hook));
    return [node, id] { node->remove_hook(id); };
  }
  static std::atomic<uint64_t> next_id{0};
  const uint64_t id = ++next_id;
  meta(*this).leaf_hooks.emplace_back(id, std::move(hook));
  const Tensor self = *this;
  return [self, id] {
    std::erase_if(meta(self).leaf_hooks, [&](const auto& entry) { return entry.first == id; });
  };
}

}  // namespace iolaus
