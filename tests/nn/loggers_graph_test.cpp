// Graphs of models: operations in the scopes of their modules, edges as the data went.
#include <doctest/doctest.h>

#include <map>

#include "autograd/ops.h"
#include "config/instantiate.h"
#include "config/yaml.h"
#include "nn/loggers/graph.h"

using namespace iolaus;
using namespace iolaus::nn;
using Names = std::vector<std::string>;

namespace {

std::shared_ptr<Module> layer(const char* yaml) {
  return config::instantiate<Module>(config::load_yaml(yaml, "test.yaml"));
}

std::map<std::string, GraphNode> by_name(const std::vector<GraphNode>& nodes) {
  std::map<std::string, GraphNode> all;
  for (const GraphNode& node : nodes) {
    for (const std::string& input : node.inputs) CHECK(all.contains(input));  // they come before
    CHECK(all.emplace(node.name, node).second);
  }
  return all;
}

// relu(conv(x)), flattened, plus itself, times a parameter.
class Net final : public Module {
 public:
  Net() {
    conv_ = register_module("conv",
                            layer("{_target_: torch.nn.Conv2d, in_channels: 1, out_channels: 2, "
                                  "kernel_size: 3}"));
    act_ = register_module("act", layer("{_target_: torch.nn.ReLU}"));
    scale_ = register_parameter("scale", ones({32}));
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = (*act_)((*act_)((*conv_)(x)));
    return (flatten(y, 1) + flatten(y, 1)) * scale_;
  }
  std::string type_name() const override { return "Net"; }

 private:
  std::shared_ptr<Module> conv_, act_;
  Tensor scale_;
};

}  // namespace

TEST_CASE("operations lie in the scopes of the modules that ran them") {
  Net net;
  const auto nodes = by_name(trace_graph(net, {3, 1, 6, 6}));
  REQUIRE(nodes.contains("Net/Conv2d[conv]/conv2d"));
  const GraphNode& conv = nodes.at("Net/Conv2d[conv]/conv2d");
  CHECK(conv.inputs == Names{"input/x", "Net/Conv2d[conv]/weight", "Net/Conv2d[conv]/bias"});
  CHECK(conv.sizes == Dims{3, 2, 4, 4});
  CHECK(nodes.at("input/x").sizes == Dims{3, 1, 6, 6});
  CHECK(nodes.at("Net/Conv2d[conv]/weight").op == "Parameter");
  CHECK(nodes.at("Net/ReLU[act]/relu").inputs == Names{"Net/Conv2d[conv]/conv2d"});
  CHECK(nodes.at("Net/ReLU[act]/relu_1").inputs == Names{"Net/ReLU[act]/relu"});
  CHECK(nodes.at("Net/mul").inputs == Names{"Net/add", "Net/scale"});
  CHECK(nodes.at("Net/add").inputs.size() == 2);
  CHECK(nodes.at("output/y").inputs == Names{"Net/mul"});
  CHECK(nodes.at("output/y").sizes == Dims{3, 32});
}

TEST_CASE("a model of whole numbers is followed too, and nothing is changed") {
  const auto model = layer(R"(
_target_: torch.nn.Sequential
_args_:
- {_target_: torch.nn.Embedding, num_embeddings: 5, embedding_dim: 4}
- {_target_: torch.nn.Dropout}
- {_target_: torch.nn.Linear, in_features: 4, out_features: 2}
)");
  const auto nodes = by_name(trace_graph(*model, {2, 3}));
  CHECK(nodes.contains("Sequential/Embedding[0]/weight"));
  CHECK_FALSE(nodes.contains("input/x"));
  CHECK(model->is_training());
  for (const Tensor& p : model->parameters()) CHECK_FALSE(p.grad().defined());
  CHECK_THROWS_WITH_AS(trace_graph(*model, {2, 3, -1}), doctest::Contains("-1"), Error);
}
