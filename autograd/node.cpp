// Life of nodes: creation order, hooks, and deletion without recursion.
#include "autograd/node.h"

namespace iolaus::autograd {
namespace {

thread_local uint64_t t_sequence = 0;

std::atomic<uint64_t> g_hook_id{0};

}  // namespace

Node::Node(const char* name) : sequence_(++t_sequence), name_(name) {}
Node::~Node() = default;

void Node::destroy(Node* node) {
  // Deleting a node releases its edges and saved tensors, whose nodes come here again: those are
  // only queued, and the outermost call deletes them one after the other.
  thread_local bool t_busy = false;
  thread_local std::vector<Node*> t_queue;
  if (t_busy) return t_queue.push_back(node);
  t_busy = true;
  delete node;
  while (!t_queue.empty()) {
    Node* next = t_queue.back();
    t_queue.pop_back();
    delete next;
  }
  t_busy = false;
}

bool Node::try_retain() const {
  int32_t count = refs_.load(std::memory_order_relaxed);
  while (count > 0) {
    if (refs_.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void Node::set_edges(std::span<Edge> edges) {
  edge_count_ = static_cast<uint32_t>(edges.size());
  Edge* to = inline_edges_;
  if (edges.size() > kInlineEdges) {
    edges_ = std::make_unique<Edge[]>(edges.size());
    to = edges_.get();
  }
  std::move(edges.begin(), edges.end(), to);
}

uint32_t Node::add_output(const Tensor& tensor) {
  OutputInfo info{tensor.sizes(), tensor.dtype(), tensor.device()};
  if (!has_output_) {
    has_output_ = true;
    output_ = info;
    return 0;
  }
  more_outputs_.push_back(info);
  return static_cast<uint32_t>(more_outputs_.size());
}

uint64_t Node::add_hook(uint32_t output, TensorHook hook) {
  hooks_.push_back({++g_hook_id, output, std::move(hook)});
  return hooks_.back().id;
}

void Node::remove_hook(uint64_t id) {
  std::erase_if(hooks_, [&](const Hook& hook) { return hook.id == id; });
}

void Node::run_hooks(std::span<Tensor> grads) {
  for (size_t i = 0; i < hooks_.size(); ++i) {
    Tensor& grad = grads[hooks_[i].output];
    if (!grad.defined()) continue;
    if (Tensor replaced = hooks_[i].fn(grad); replaced.defined()) {
      IOLAUS_CHECK(replaced.sizes() == grad.sizes(),
                   "[backward] a hook replaced a gradient of shape {} by one of shape {}",
                   grad.sizes().str(), replaced.sizes().str());
      grad = replaced;
    }
  }
}

}  // namespace iolaus::autograd
