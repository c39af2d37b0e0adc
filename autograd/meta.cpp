// Histories of tensors, and what in-place changes of views do to them.
//
// A view shares its base's storage, so changing it in place changes the base as well. Then the base
// gets a CopySlices node: its old gradient with the slice replaced by what the in-place op sends
// back. The view's own grad_fn is made anew when it is asked for next, as a slice of the base.
#include "autograd/meta.h"

#include "autograd/accumulate.h"
#include "autograd/grad_mode.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/views.h"

namespace iolaus::autograd {
namespace {

// Runs the node of an in-place op on a slice of the base's gradient.
class CopySlices final : public Node {
 public:
  CopySlices(const Tensor& base, const Tensor& view, NodePtr slice_node)
      : Node("CopySlices"),
        base_sizes_(base.sizes()),
        base_strides_(base.strides()),
        sizes_(view.sizes()),
        strides_(view.strides()),
        offset_(view.offset() - base.offset()),
        slice_node_(std::move(slice_node)) {
    // Input 0 is the base as it was; the others are the op's other inputs.
    std::vector<Edge> list{gradient_edge(base)};
    const auto others = slice_node_->edges();
    list.insert(list.end(), others.begin() + 1, others.end());
    set_edges(list);
  }

  void backward(std::span<const Tensor> grads, std::span<Tensor> input_grads) override {
    if (!grads[0].defined()) return;
    // A copy in the base's own layout, so that the view's strides select the same elements.
    const Tensor whole = empty_strided(base_sizes_, base_strides_, grads[0].options());
    copy_(whole, grads[0]);
    const Tensor target = as_strided(whole, sizes_, strides_, offset_);
    const Tensor slice = clone(target);
    Tensors slice_grads(slice_node_->edges().size());
    slice_node_->backward(std::span<const Tensor>(&slice, 1), slice_grads);
    for (size_t i = 1; i < slice_grads.size(); ++i) input_grads[i] = slice_grads[i];
    if (!needs(0)) return;
    if (slice_grads[0].defined()) {
      copy_(target, slice_grads[0]);
    } else {
      fill_(target, 0);
    }
    input_grads[0] = whole;
  }
  void release_saved() override { slice_node_->release_saved(); }

 private:
  Dims base_sizes_, base_strides_;
  Dims sizes_, strides_;
  int64_t offset_;
  NodePtr slice_node_;
};

}  // namespace

Meta& meta(const Tensor& tensor) {
  auto& slot = tensor.impl()->autograd;
  if (!slot) slot = std::make_unique<Meta>();
  return static_cast<Meta&>(*slot);
}

const NodePtr& current_grad_fn(const Tensor& tensor) {
  static const NodePtr kNone;
  Meta* m = find_meta(tensor);
  if (m == nullptr) return kNone;
  if (m->view && m->view->version != tensor.version() && m->view->base.requires_grad() &&
      current_grad_fn(m->view->base)) {
    const Tensor& base = m->view->base;
    m->grad_fn = as_strided_node(base, tensor);
    m->grad_fn->add_output(tensor);
    m->output = 0;
    m->view->version = tensor.version();
    tensor.impl()->requires_grad = true;
  }
  return m->grad_fn;
}

Edge gradient_edge(const Tensor& tensor) {
  if (!tensor.requires_grad()) return {};
  if (const NodePtr& node = current_grad_fn(tensor)) return {node, find_meta(tensor)->output};
  return {grad_accumulator(tensor), 0};
}

void set_history(const Tensor& tensor, NodePtr node) {
  Meta& m = meta(tensor);
  m.output = node->add_output(tensor);
  m.grad_fn = std::move(node);
  tensor.impl()->requires_grad = true;
}

void mark_view(const Tensor& out, const Tensor& x) {
  if (!grad_enabled()) return;
  Meta* from = find_meta(x);
  const Tensor& base = from != nullptr && from->view ? from->view->base : x;
  meta(out).view = std::make_unique<ViewInfo>(ViewInfo{base, out.version()});
}

void check_inplace(const char* op, const Tensor& tensor) {
  for (size_t i = 0; i < tensor.sizes().size(); ++i) {
    IOLAUS_CHECK(tensor.strides()[i] != 0 || tensor.sizes()[i] <= 1,
                 "[{}] cannot change {} in place: dimension {} is expanded, so its elements share "
                 "memory; clone() it first",
                 op, tensor.describe(), i);
  }
  if (!grad_enabled()) return;
  IOLAUS_CHECK(!tensor.requires_grad() || !tensor.is_leaf(),
               "[{}] a leaf that requires a gradient cannot be changed in place; use NoGrad", op);
  if (Meta* m = find_meta(tensor); m != nullptr && m->view) {
    const Tensor& base = m->view->base;
    IOLAUS_CHECK(!base.requires_grad() || !base.is_leaf(),
                 "[{}] a view of a leaf that requires a gradient cannot be changed in place; use "
                 "NoGrad",
                 op);
  }
}

void rebase_history(const Tensor& tensor, NodePtr node) {
  Meta& m = meta(tensor);
  if (!m.view) return set_history(tensor, std::move(node));
  const Tensor base = m.view->base;
  node->add_output(tensor);
  set_history(base, NodePtr::adopt(new CopySlices(base, tensor, std::move(node))));
  m.view->version = tensor.version() - 1;  // stale: the next question makes grad_fn anew
  tensor.impl()->requires_grad = true;
  current_grad_fn(tensor);
}

Tensor SavedTensor::operator()(const Node& node) const {
  if (!tensor_.defined()) return tensor_;
  IOLAUS_CHECK(
      tensor_.version() == version_,
      "[backward] a tensor that {} needs was changed in place: {} is at version {}, {} was "
      "saved; clone() it before the change",
      node.name(), tensor_.describe(), tensor_.version(), version_);
  if (output_ < 0 || !grad_enabled()) return tensor_;
  // With create_graph the result gets its history back, on a handle of its own.
  Tensor output = tensor_.detach();
  Meta& m = meta(output);
  node.retain();
  m.grad_fn = NodePtr::adopt(const_cast<Node*>(&node));
  m.output = static_cast<uint32_t>(output_);
  output.impl()->requires_grad = true;
  return output;
}

bool needs_grad(std::span<const Tensor> tensors) {
  if (!grad_enabled()) return false;
  for (const Tensor& t : tensors) {
    if (t.defined() && t.requires_grad()) return true;
  }
  return false;
}

std::vector<Edge> edges(std::span<const Tensor> tensors) {
  std::vector<Edge> list;
  list.reserve(tensors.size());
  for (const Tensor& t : tensors) list.push_back(t.defined() ? gradient_edge(t) : Edge());
  return list;
}

void fail_released(const Node& node) {
  fail(ErrorCode::kInvalidArgument,
       "[backward] the graph was already freed: {} has given up what it saved. Pass retain_graph "
       "to the first backward where a second one is wanted",
       node.name());
}

}  // namespace iolaus::autograd
