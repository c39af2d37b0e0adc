// Accumulation into leaves. A leaf does not own its accumulator (the graphs that use it do), so
// that leaf and accumulator do not keep each other alive.
#include "autograd/accumulate.h"

#include "autograd/grad_mode.h"
#include "autograd/meta.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/inplace.h"

namespace iolaus::autograd {
namespace {

// Guards Meta::accumulator and, while a gradient is added, Meta::grad, for all leaves.
std::mutex& accumulator_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

// The gradient may become the leaf's own: nobody else sees its memory, and its layout fits.
bool can_take(const Tensor& gradient, const Tensor& leaf) {
  return gradient.impl()->use_count() == 1 && gradient.storage()->use_count() == 1 &&
         gradient.strides() == leaf.strides() && !grad_enabled();
}

Tensor dense_copy(const Tensor& gradient, const Tensor& leaf) {
  if (grad_enabled()) return clone(gradient);
  Tensor out = empty_like(leaf);
  copy_(out, gradient);
  return out;
}

}  // namespace

AccumulateGrad::AccumulateGrad(const Tensor& leaf) : Node("AccumulateGrad"), leaf_(leaf) {
  sequence_ = UINT64_MAX;  // runs as soon as its gradient is complete
  add_output(leaf);
}

AccumulateGrad::~AccumulateGrad() {
  std::lock_guard lock(accumulator_mutex());
  if (Meta* m = find_meta(leaf_); m != nullptr && m->accumulator == this) m->accumulator = nullptr;
}

void AccumulateGrad::backward(std::span<const Tensor> grads, std::span<Tensor>) {
  if (!grads[0].defined()) return;
  Meta& m = meta(leaf_);
  if (!m.leaf_hooks.empty()) {
    Tensor gradient = grads[0];
    for (size_t i = 0; i < m.leaf_hooks.size(); ++i) {
      if (Tensor replaced = m.leaf_hooks[i].second(gradient); replaced.defined()) {
        gradient = replaced;
      }
    }
    m.grad = m.grad.defined() ? add(m.grad, gradient) : dense_copy(gradient, leaf_);
    return;
  }
  if (!m.grad.defined()) {
    m.grad = can_take(grads[0], leaf_) ? grads[0] : dense_copy(grads[0], leaf_);
  } else if (grad_enabled()) {
    m.grad = add(m.grad, grads[0]);
  } else {
    add_(m.grad, grads[0]);
  }
}

NodePtr grad_accumulator(const Tensor& leaf) {
  Meta& m = meta(leaf);
  std::lock_guard lock(accumulator_mutex());
  if (m.accumulator != nullptr && m.accumulator->try_retain()) {
    return NodePtr::adopt(m.accumulator);
  }
  auto* node = new AccumulateGrad(leaf);
  m.accumulator = node;
  return NodePtr::adopt(node);
}

}  // namespace iolaus::autograd
