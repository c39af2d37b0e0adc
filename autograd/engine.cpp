// The walk: count how many gradients each node will get, then run nodes whose gradients are
// complete, the youngest first, adding up what they send to each edge. All state is of one run, so
// that several threads may walk graphs that share nodes.
#include "autograd/engine.h"

#include <algorithm>

#include "autograd/accumulate.h"
#include "autograd/anomaly.h"
#include "autograd/autocast.h"
#include "autograd/meta.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/reduce.h"
#include "core/call_context.h"

namespace iolaus {
namespace {

using autograd::Edge;
using autograd::Node;

// Node -> index, by open addressing: a run visits every node a few times.
class NodeTable {
 public:
  NodeTable() : slots_(64) {}
  // The index of node; inserted is whether it is new (then the index is the number before).
  uint32_t find_or_insert(Node* node, bool& inserted) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    for (size_t i = hash(node);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].node == node) {
        inserted = false;
        return slots_[i].index;
      }
      if (slots_[i].node == nullptr) {
        slots_[i] = {node, count_};
        inserted = true;
        return count_++;
      }
    }
  }

 private:
  struct Slot {
    Node* node = nullptr;
    uint32_t index = 0;
  };
  size_t hash(Node* node) const {
    return (reinterpret_cast<uintptr_t>(node) * 0x9e3779b97f4a7c15u >> 20) & (slots_.size() - 1);
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.node == nullptr) continue;
      size_t i = hash(slot.node);
      while (slots_[i].node != nullptr) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = slot;
    }
  }
  std::vector<Slot> slots_;
  uint32_t count_ = 0;
};

struct NodeState {
  autograd::NodePtr node;
  int64_t missing = 0;    // gradients still to come
  uint32_t first_grad;    // of its outputs' gradients, in Run::grads_
  bool needed = true;     // its backward must run
  bool captured = false;  // grad() wants a gradient of its outputs
};

class Run {
 public:
  Run(BackwardOptions options, const std::vector<Edge>* captures)
      : options_(options), captures_(captures), captured_(captures ? captures->size() : 0) {}

  void start(const Edge& root, const Tensor& gradient) {
    roots_.push_back(visit(root.node.get()));
    receive(roots_.back(), root.output, gradient);
  }

  Tensors finish() {
    count_dependencies();
    if (captures_ != nullptr) mark_needed();
    std::sort(roots_.begin(), roots_.end());
    roots_.erase(std::unique(roots_.begin(), roots_.end()), roots_.end());
    for (uint32_t root : roots_) {
      if (states_[root].missing == 0) push(root);
    }
    GradMode mode(options_.create_graph);
    while (!ready_.empty()) {
      std::pop_heap(ready_.begin(), ready_.end());
      const uint32_t index = ready_.back().second;
      ready_.pop_back();
      run(index);
    }
    return std::move(captured_);
  }

 private:
  uint32_t visit(Node* node) {
    bool inserted = false;
    const uint32_t index = table_.find_or_insert(node, inserted);
    if (inserted) {
      node->retain();
      states_.push_back({autograd::NodePtr::adopt(node), 0, static_cast<uint32_t>(grads_.size())});
      grads_.resize(grads_.size() + node->output_count());
    }
    return index;
  }

  // States are in order of discovery, so this is a breadth-first walk.
  void count_dependencies() {
    for (uint32_t i = 0; i < states_.size(); ++i) {
      Node* node = states_[i].node.get();
      for (const Edge& edge : node->edges()) {
        if (edge.node) ++states_[visit(edge.node.get())].missing;
      }
    }
  }

  // For grad(): only nodes that lead to a captured edge are run. Nodes were found breadth first, so
  // one pass from the last to the first does nearly all of it.
  void mark_needed() {
    for (NodeState& state : states_) state.needed = false;
    for (const Edge& capture : *captures_) {
      bool inserted = false;
      if (!capture.node) continue;
      const uint32_t index = table_.find_or_insert(capture.node.get(), inserted);
      if (!inserted) states_[index].captured = true;
    }
    bool changed = true;
    while (changed) {
      changed = false;
      for (auto it = states_.rbegin(); it != states_.rend(); ++it) {
        if (it->needed) continue;
        for (const Edge& edge : it->node->edges()) {
          if (!edge.node) continue;
          const NodeState& next = states_[visit(edge.node.get())];
          if (next.needed || next.captured) {
            it->needed = changed = true;
            break;
          }
        }
      }
    }
  }

  void push(uint32_t index) {
    ready_.emplace_back(states_[index].node->sequence(), index);
    std::push_heap(ready_.begin(), ready_.end());
  }

  // Adds to the gradient of one output of a node.
  void receive(uint32_t index, uint32_t output, const Tensor& gradient) {
    Tensor& sum = grads_[states_[index].first_grad + output];
    if (!sum.defined()) {
      sum = gradient;
    } else if (!options_.create_graph && sum.impl()->use_count() == 1 &&
               sum.storage()->use_count() == 1 && sum.is_contiguous()) {
      add_(sum, gradient);  // nobody else sees this sum
    } else {
      sum = add(sum, gradient);
    }
  }

  void run(uint32_t index) {
    const autograd::NodePtr node = states_[index].node;
    const size_t outputs = node->output_count(), inputs = node->edges().size();
    grads_in_.assign(std::make_move_iterator(grads_.begin() + states_[index].first_grad),
                     std::make_move_iterator(grads_.begin() + states_[index].first_grad + outputs));
    if (node->has_hooks()) node->run_hooks(grads_in_);
    if (captures_ != nullptr) capture(node.get());
    grads_out_.assign(inputs, Tensor());
    if (states_[index].needed) {
      const OpScope scope(node->name());
      node->backward(grads_in_, grads_out_);
      if (detects_anomaly()) check_nan(*node);
      if (!options_.retain_graph) node->release_saved();
    }
    grads_in_.clear();
    for (size_t i = 0; i < inputs; ++i) {
      const Edge& edge = node->edges()[i];
      if (edge.node) deliver(*node, edge, std::move(grads_out_[i]));
    }
  }

  void check_nan(const Node& from) const {
    const NoGrad no_grad;
    for (size_t i = 0; i < grads_out_.size(); ++i) {
      const Tensor& gradient = grads_out_[i];
      IOLAUS_CHECK(!gradient.defined() || !is_floating(gradient.dtype()) ||
                       !any(isnan(gradient.detach())).item<bool>(),
                   "[backward] {} gave a NaN in the gradient of its input {} ({})", from.name(), i,
                   gradient.describe());
    }
  }

  void deliver(const Node& from, const Edge& edge, Tensor&& gradient) {
    const uint32_t index = visit(edge.node.get());
    if (gradient.defined()) {
      const autograd::OutputInfo& info = edge.node->output(edge.output);
      IOLAUS_CHECK(gradient.sizes() == info.sizes,
                   "[backward] {} gave a gradient of shape {} for an input of shape {}",
                   from.name(), gradient.sizes().str(), info.sizes.str());
      if (gradient.dtype() != info.dtype) gradient = to(gradient, info.dtype);
      receive(index, edge.output, gradient);
    }
    gradient = Tensor();
    if (--states_[index].missing == 0) push(index);
  }

  void capture(Node* node) {
    for (size_t i = 0; i < captures_->size(); ++i) {
      const Edge& wanted = (*captures_)[i];
      if (wanted.node.get() == node) captured_[i] = grads_in_[wanted.output];
    }
  }

  BackwardOptions options_;
  const std::vector<Edge>* captures_;  // of grad(); null for backward()
  Tensors captured_;
  NodeTable table_;
  std::vector<NodeState> states_;
  Tensors grads_, grads_in_, grads_out_;
  std::vector<uint32_t> roots_;
  std::vector<std::pair<uint64_t, uint32_t>> ready_;  // a heap by sequence
};

Tensor initial_gradient(const Tensor& output, const Tensor& given) {
  if (given.defined()) {
    IOLAUS_CHECK(given.sizes() == output.sizes(),
                 "[backward] the output has shape {}, its gradient {}", output.sizes().str(),
                 given.sizes().str());
    return given.dtype() == output.dtype() ? given : to(given, output.dtype());
  }
  IOLAUS_CHECK(output.numel() == 1,
               "[backward] a gradient can be left out for a scalar output only, got {}; pass one, "
               "or reduce the output (mean, sum)",
               output.describe());
  Tensor one = empty(output.sizes(), output.options());
  fill_(one, 1);
  return one;
}

Tensors run_engine(const Tensors& outputs, const Tensors& gradients, BackwardOptions options,
                   const std::vector<Edge>* captures) {
  IOLAUS_CHECK(!outputs.empty(), "[backward] there are no outputs");
  IOLAUS_CHECK(gradients.size() <= outputs.size(), "[backward] {} gradients for {} outputs",
               gradients.size(), outputs.size());
  options.retain_graph = options.retain_graph || options.create_graph;
  const NoAutocast no_casts;
  if (!options.retain_graph) autocast::forget_graphs();
  Run run(options, captures);
  for (size_t i = 0; i < outputs.size(); ++i) {
    IOLAUS_CHECK(outputs[i].defined(), "[backward] output {} is undefined", i);
    IOLAUS_CHECK(outputs[i].requires_grad(),
                 "[backward] output {} does not require a gradient and has no history", i);
    run.start(autograd::gradient_edge(outputs[i]),
              initial_gradient(outputs[i], i < gradients.size() ? gradients[i] : Tensor()));
  }
  return run.finish();
}

}  // namespace

void backward(const Tensors& outputs, const Tensors& gradients, BackwardOptions options) {
  run_engine(outputs, gradients, options, nullptr);
}

Tensors grad(const Tensors& outputs, const Tensors& inputs, const Tensors& gradients,
             BackwardOptions options, bool allow_unused) {
  std::vector<Edge> captures;
  for (const Tensor& input : inputs) {
    IOLAUS_CHECK(input.defined() && input.requires_grad(),
                 "[grad] one of the inputs does not require a gradient: {}", input.describe());
    captures.push_back(autograd::gradient_edge(input));
  }
  Tensors result = run_engine(outputs, gradients, options, &captures);
  for (size_t i = 0; i < result.size(); ++i) {
    IOLAUS_CHECK(allow_unused || result[i].defined(),
                 "[grad] the outputs do not depend on input {}; pass allow_unused to get an "
                 "undefined gradient for it",
                 i);
  }
  return result;
}

}  // namespace iolaus
