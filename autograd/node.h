// Node: one step of the backward graph. It knows where its inputs' gradients go (edges), what its
// outputs look like, and how to turn output gradients into input gradients.
//
// Nodes are counted like tensors, but the last release only queues a node for deletion: a chain of
// a million nodes is freed by a loop, not by recursion (see node.cpp).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace iolaus::autograd {

class Node;
using NodePtr = IntrusivePtr<Node>;

/// "The gradient of this input is gradient number `output` of that node"; no node: not needed.
struct Edge {
  NodePtr node;
  uint32_t output = 0;
};

/// What a node's output looked like in the forward pass: its gradient must have the same shape.
struct OutputInfo {
  Dims sizes;
  DType dtype;
  Device device;
};

using TensorHook = std::function<Tensor(const Tensor&)>;

class Node {
 public:
  explicit Node(const char* name);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node();

  const char* name() const { return name_; }
  /// Creation order within a thread; the engine runs later nodes first.
  uint64_t sequence() const { return sequence_; }

  /// Fills input_grads[i] for each input i with needs(i) from the outputs' gradients, of which
  /// undefined ones are zero. Called by the engine.
  virtual void backward(std::span<const Tensor> grads, std::span<Tensor> input_grads) = 0;
  /// Drops what was saved for backward; a second backward is then an error.
  virtual void release_saved() {}

  bool needs(size_t input) const { return static_cast<bool>(edges()[input].node); }
  std::span<const Edge> edges() const { return {edge_data(), edge_count_}; }
  void set_edges(std::span<Edge> edges);  // moves them in
  const std::vector<OutputInfo>& more_outputs() const { return more_outputs_; }
  size_t output_count() const { return 1 + more_outputs_.size(); }
  const OutputInfo& output(size_t i) const { return i == 0 ? output_ : more_outputs_[i - 1]; }
  /// Describes the next output; the first call describes output 0. Returns its number.
  uint32_t add_output(const Tensor& tensor);

  /// Hooks on an output's gradient, in order of registration; ids are for removal.
  uint64_t add_hook(uint32_t output, TensorHook hook);
  void remove_hook(uint64_t id);
  /// Runs them; grads[i] may be replaced.
  void run_hooks(std::span<Tensor> grads);
  bool has_hooks() const { return !hooks_.empty(); }

  void retain() const { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(const_cast<Node*>(this));
  }
  /// Retains unless the last reference is already gone; for weak pointers.
  bool try_retain() const;

 protected:
  uint64_t sequence_;

 private:
  static constexpr size_t kInlineEdges = 3;
  struct Hook {
    uint64_t id;
    uint32_t output;
    TensorHook fn;
  };
  static void destroy(Node* node);
  const Edge* edge_data() const {
    return edge_count_ <= kInlineEdges ? inline_edges_ : edges_.get();
  }

  mutable std::atomic<int32_t> refs_{1};
  const char* name_;
  uint32_t edge_count_ = 0;
  bool has_output_ = false;
  Edge inline_edges_[kInlineEdges];
  std::unique_ptr<Edge[]> edges_;
  OutputInfo output_;
  std::vector<OutputInfo> more_outputs_;
  std::vector<Hook> hooks_;
};

}  // namespace iolaus::autograd
