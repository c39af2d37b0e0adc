// record: how an op states its backward next to its forward.
//
//   Tensor mul(const Tensor& a, const Tensor& b) {
//     Tensor out = ...;                                  // forward, by kernels
//     if (needs_grad(a, b)) {
//       record("mul", out, edges(a, b), [a = save(a), b = save(b)](const Node& n, const Tensor& g)
//       {
//         return std::array{n.needs(0) ? g * b(n) : Tensor(), n.needs(1) ? g * a(n) : Tensor()};
//       });
//     }
//     return out;
//   }
//
// The function gets the gradient of the output (or a span of them, for several outputs) and returns
// those of the inputs: a Tensor, an array, or a vector. It is written with differentiable ops, so
// that create_graph works; an undefined gradient means zero.
#pragma once

#include <array>
#include <optional>

#include "autograd/grad_mode.h"
#include "autograd/saved.h"

namespace iolaus::autograd {

/// Whether gradients are recorded and any of the tensors (which may be undefined) wants one.
template <class... Ts> bool needs_grad(const Ts&... tensors) {
  return grad_enabled() && ((tensors.defined() && tensors.requires_grad()) || ...);
}
bool needs_grad(std::span<const Tensor> tensors);

template <class... Ts> std::array<Edge, sizeof...(Ts)> edges(const Ts&... tensors) {
  return {(tensors.defined() ? gradient_edge(tensors) : Edge())...};
}
std::vector<Edge> edges(std::span<const Tensor> tensors);

[[noreturn]] void fail_released(const Node& node);

template <class Fn> class FunctionNode final : public Node {
 public:
  FunctionNode(const char* name, Fn fn) : Node(name), fn_(std::move(fn)) {}

  void backward(std::span<const Tensor> grads, std::span<Tensor> input_grads) override {
    if (!fn_) [[unlikely]]
      fail_released(*this);
    if constexpr (std::is_invocable_v<Fn&, const Node&, const Tensor&>) {
      if (!grads[0].defined()) return;
      store((*fn_)(*this, grads[0]), input_grads);
    } else {
      store((*fn_)(*this, grads), input_grads);
    }
  }
  void release_saved() override { fn_.reset(); }

 private:
  static void store(Tensor&& grad, std::span<Tensor> out) { out[0] = std::move(grad); }
  template <class List> static void store(List&& list, std::span<Tensor> out) {
    Tensor* from = std::data(list);  // by pointer: GCC 12 folds arrays of several sizes, and warns
    for (size_t i = 0; i < out.size(); ++i) out[i] = std::move(from[i]);
  }
  std::optional<Fn> fn_;
};

/// A node with these edges that is not yet the history of anything.
template <class Edges, class Fn> NodePtr make_node(const char* name, Edges&& edge_list, Fn fn) {
  NodePtr node = NodePtr::adopt(new FunctionNode<Fn>(name, std::move(fn)));
  node->set_edges(edge_list);
  return node;
}

/// Makes out the result of an op with the given backward function.
template <class Edges, class Fn>
void record(const char* name, const Tensor& out, Edges&& edge_list, Fn fn) {
  set_history(out, make_node(name, edge_list, std::move(fn)));
}

/// The same for several results; the function gets a span of their gradients.
template <class Edges, class Fn>
void record(const char* name, std::span<const Tensor> outs, Edges&& edge_list, Fn fn) {
  NodePtr node = make_node(name, edge_list, std::move(fn));
  for (const Tensor& out : outs) set_history(out, node);
}

}  // namespace iolaus::autograd

namespace iolaus {
// What every op is written with.
using autograd::edges;
using autograd::needs_grad;
using autograd::Node;
using autograd::record;
using autograd::save;
using autograd::save_output;
}  // namespace iolaus
