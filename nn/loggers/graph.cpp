// Following a forward pass. While it runs, hooks note where in the sequence of autograd nodes each
// module began and ended; afterwards the graph is walked from the output.
#include "nn/loggers/graph.h"

#include <algorithm>
#include <map>

#include "autograd/grad_mode.h"
#include "autograd/meta.h"
#include "autograd/record.h"
#include "nn/module_watch.h"

namespace iolaus::nn {
namespace {

using autograd::Node;

constexpr int kProducer = 22;  // the version that PyTorch's writer names

// The number that the next node of this thread gets, nearly: this makes one too.
uint64_t sequence_now() {
  return autograd::make_node("mark", std::span<autograd::Edge>(),
                             [](const Node&, const Tensor&) { return Tensor(); })
      ->sequence();
}

// The part of the sequence that one call of a module made.
struct Call {
  size_t module;
  uint64_t begin, end;
};

class CallWatch final : public ModuleWatch {
 public:
  explicit CallWatch(Module& model) {
    const auto modules = model.named_modules();
    for (size_t i = 0; i < modules.size(); ++i) watch(*modules[i].second, i);
  }
  std::vector<Call> calls;  // in the order in which they began

 private:
  void entered(size_t index, const Tensor&) override {
    open_.push_back(calls.size());
    calls.push_back({index, sequence_now(), UINT64_MAX});
  }
  void left(size_t, const Tensor&, const Tensor&) override {
    calls[open_.back()].end = sequence_now();
    open_.pop_back();
  }
  std::vector<size_t> open_;
};

// "Net/Sequential[stem]/Conv2d[0]" for each module.
std::vector<std::string> scope_names(Module& model) {
  std::vector<std::string> scopes;
  std::map<std::string, std::string> by_path;
  for (const auto& [path, module] : model.named_modules()) {
    const size_t dot = path.rfind('.');
    const std::string parent = dot == path.npos ? "" : path.substr(0, dot);
    const std::string own = dot == path.npos ? path : path.substr(dot + 1);
    const std::string scope = path.empty()
                                  ? module->type_name()
                                  : by_path[parent] + "/" + module->type_name() + "[" + own + "]";
    by_path[path] = scope;
    scopes.push_back(scope);
  }
  return scopes;
}

class Tracer {
 public:
  explicit Tracer(Module& model) : scopes_(scope_names(model)) {
    const auto modules = model.named_modules();
    for (size_t i = 0; i < modules.size(); ++i) {
      const std::string start = modules[i].first.empty() ? "" : modules[i].first + ".";
      for (const auto& [name, p] : modules[i].second->named_parameters()) {
        if (name.find('.') != name.npos || !p.requires_grad()) continue;
        add_leaf(p, scopes_[i] + "/" + name, "Parameter");
      }
    }
  }

  std::vector<GraphNode> run(Module& model, const Tensor& x) {
    const EvaluationScope evaluation(model);
    const GradMode enabled(true);
    if (is_floating(x.dtype())) x.set_requires_grad();
    CallWatch watch(model);
    const Tensor y = model(x);
    calls_ = std::move(watch.calls);
    IOLAUS_CHECK_CODE(y.grad_fn() != nullptr, ErrorCode::kUnsupported,
                      "[log_graph] {} records no operations: neither its input nor a parameter "
                      "wants a gradient",
                      model.type_name());
    if (x.requires_grad()) add_leaf(x, "input/x", "Input");
    nodes_.push_back({"output/y", "Output", {visit(y.grad_fn())}, y.sizes()});
    return std::move(nodes_);
  }

 private:
  void add_leaf(const Tensor& leaf, const std::string& name, const char* op) {
    kept_.push_back(autograd::gradient_edge(leaf).node);
    leaves_.try_emplace(kept_.back().get(), GraphNode{name, op, {}, leaf.sizes()});
  }

  // By a stack of its own, since graphs are deep. Gives the node's name.
  std::string visit(const Node* root) {
    std::vector<const Node*> stack{root};
    while (!stack.empty()) {
      const Node* node = stack.back();
      if (names_.contains(node)) {
        stack.pop_back();
        continue;
      }
      const size_t before = stack.size();
      if (!leaves_.contains(node)) {
        for (const autograd::Edge& edge : node->edges()) {
          if (edge.node && !names_.contains(edge.node.get())) stack.push_back(edge.node.get());
        }
      }
      if (stack.size() > before) continue;
      add(node);
      stack.pop_back();
    }
    return names_.at(root);
  }

  void add(const Node* node) {
    if (const auto leaf = leaves_.find(node); leaf != leaves_.end()) {
      nodes_.push_back(leaf->second);
    } else {
      GraphNode made{scope_of(*node) + "/" + node->name(), node->name(), {}, {}};
      if (const int64_t before = uses_[made.name]++; before > 0) {
        made.name += "_" + std::to_string(before);
      }
      if (node->output(0).sizes.size() > 0) made.sizes = node->output(0).sizes;
      for (const autograd::Edge& edge : node->edges()) {
        if (edge.node) made.inputs.push_back(names_.at(edge.node.get()));
      }
      nodes_.push_back(std::move(made));
    }
    names_.emplace(node, nodes_.back().name);
  }

  // Of the innermost call that made the node: the last that began before it and had not ended.
  const std::string& scope_of(const Node& node) const {
    const Call* innermost = nullptr;
    for (const Call& call : calls_) {
      if (call.begin < node.sequence() && node.sequence() < call.end) innermost = &call;
    }
    return scopes_[innermost == nullptr ? 0 : innermost->module];
  }

  std::vector<std::string> scopes_;
  std::vector<Call> calls_;
  std::vector<autograd::NodePtr> kept_;  // so that the graph uses the same ones
  std::map<const Node*, GraphNode> leaves_;
  std::map<const Node*, std::string> names_;
  std::map<std::string, int64_t> uses_;
  std::vector<GraphNode> nodes_;
};

}  // namespace

std::vector<GraphNode> trace_graph(Module& model, const Dims& input_sizes) {
  TensorOptions options;
  for (const Tensor& p : model.parameters()) {
    if (is_floating(p.dtype())) options = {.dtype = p.dtype(), .device = p.device()};
  }
  try {
    return Tracer(model).run(model, zeros(input_sizes, options));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kType) throw;
  }
  return Tracer(model).run(model, zeros(input_sizes, {.dtype = kInt64, .device = options.device}));
}

Proto graph_def(const std::vector<GraphNode>& nodes) {
  Proto graph;
  for (const GraphNode& node : nodes) {
    Proto message;
    message.text(1, node.name).text(2, node.op);
    for (const std::string& input : node.inputs) message.one_text(3, input);
    Proto shape;
    for (size_t i = 0; i < node.sizes.size(); ++i) {
      shape.message(2, Proto().integer(1, node.sizes[i]));
    }
    const Proto list = Proto().message(7, shape);
    message.message(5, Proto().one_text(1, "_output_shapes").message(2, Proto().message(1, list)));
    graph.message(1, message);
  }
  return graph.message(4, Proto().integer(1, kProducer));
}

}  // namespace iolaus::nn
