// Meta: what autograd keeps with a tensor. Leaves have a gradient and an accumulator; results have
// the node that computes their gradient; views know their base, so that changing one in place
// reaches the other.
#pragma once

#include "autograd/node.h"

namespace iolaus::autograd {

/// A view's tie to the tensor whose storage it shows (never itself a view).
struct ViewInfo {
  Tensor base;
  uint32_t version;  // of the storage when grad_fn was made; older: grad_fn must be made anew
};

struct Meta final : AutogradMetaBase {
  NodePtr grad_fn;
  uint32_t output = 0;  // which output of grad_fn this tensor is
  Tensor grad;
  Node* accumulator = nullptr;  // of a leaf; not counted, guarded by accumulator_mutex()
  std::vector<std::pair<uint64_t, TensorHook>> leaf_hooks;
  std::unique_ptr<ViewInfo> view;
  std::shared_ptr<Tensor> retained;  // the gradient of a result, written by a hook; null: not kept
};

/// The tensor's Meta, made where there is none yet.
Meta& meta(const Tensor& tensor);
/// The tensor's Meta or null.
inline Meta* find_meta(const Tensor& tensor) {
  return static_cast<Meta*>(tensor.impl()->autograd.get());
}

/// Where the gradient of this tensor goes: its node, the accumulator of a leaf that requires a
/// gradient, or nowhere.
Edge gradient_edge(const Tensor& tensor);
/// grad_fn, made anew for a view whose base was changed in place.
const NodePtr& current_grad_fn(const Tensor& tensor);

/// Makes tensor output number `output` of node.
void set_history(const Tensor& tensor, NodePtr node);
/// Marks out as a view of x (or of x's own base).
void mark_view(const Tensor& out, const Tensor& x);
/// To be called before an in-place change. Errors: kInvalidArgument for a leaf that requires a
/// gradient (or a view of one) while gradients are recorded, and for expanded memory.
void check_inplace(const char* op, const Tensor& tensor);
/// After an in-place change: node becomes the history of tensor; for a view also of its base.
void rebase_history(const Tensor& tensor, NodePtr node);

}  // namespace iolaus::autograd
