// Model summaries against Lightning's (tests/data/nn/loggers/make_summary.py), and that making one
// changes nothing.
#include "nn/summary.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "config/instantiate.h"
#include "config/yaml.h"
#include "kernels/flop_counter.h"
#include "tests/nn/log_folder.h"

using namespace iolaus;
using namespace iolaus::nn;

namespace {

std::shared_ptr<Module> layer(const char* yaml) {
  return config::instantiate<Module>(config::load_yaml(yaml, "test.yaml"));
}

class Net final : public Module {
 public:
  Net() {
    stem_ = register_module("stem", layer(R"(
_target_: torch.nn.Sequential
_args_:
- {_target_: torch.nn.Conv2d, in_channels: 3, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
- {_target_: torch.nn.BatchNorm2d, num_features: 8}
- {_target_: torch.nn.ReLU}
)"));
    body_ = register_module("body", layer(R"(
_target_: torch.nn.Sequential
_args_:
- {_target_: torch.nn.Conv2d, in_channels: 8, out_channels: 16, kernel_size: 3, padding: 1, groups: 2}
- {_target_: torch.nn.Flatten}
)"));
    unused_ = register_module(
        "unused", layer("{_target_: torch.nn.Linear, in_features: 4, out_features: 4}"));
    head_ = register_module(
        "head", layer("{_target_: torch.nn.Linear, in_features: 256, out_features: 1000}"));
    scale_ = register_parameter("scale", ones({1000}));
    for (const Tensor& p : body_->children()[0].second->parameters()) p.set_requires_grad(false);
    body_->eval();
  }
  Tensor forward(const Tensor& x) override { return (*head_)((*body_)((*stem_)(x))) * scale_; }
  std::string type_name() const override { return "Net"; }

 private:
  std::shared_ptr<Module> stem_, body_, unused_, head_;
  Tensor scale_;
};

}  // namespace

TEST_CASE("the table is Lightning's") {
  const auto data =
      nlohmann::json::parse(read_text(IOLAUS_SOURCE_DIR "/tests/data/nn/loggers/summary.json"));
  Net net;
  for (const int64_t depth : {-1, 0, 1, 2}) {
    CAPTURE(depth);
    CHECK(summarize(net, depth).str() == data["plain " + std::to_string(depth)].get<std::string>());
    CHECK(summarize(net, depth, zeros({2, 3, 8, 8})).str() ==
          data["example " + std::to_string(depth)].get<std::string>());
  }
  CHECK_THROWS_WITH_AS(summarize(net, -2), doctest::Contains("max_depth"), Error);
}

TEST_CASE("a summary leaves modes, buffers and gradients as they were, also after an error") {
  Net net;
  const auto modes = [&] {
    std::vector<bool> all;
    for (const auto& [name, module] : net.named_modules()) all.push_back(module->is_training());
    return all;
  };
  const auto before = modes();
  const Tensor mean = net.state_dict().at("stem.1.running_mean");
  const auto values = mean.to_vector<float>();
  summarize(net, -1, ones({2, 3, 8, 8}));
  CHECK(modes() == before);
  CHECK(mean.to_vector<float>() == values);
  CHECK_THROWS_AS(summarize(net, -1, zeros({2, 4, 8, 8})), Error);
  CHECK(modes() == before);
  CHECK(FlopCounter::current() == nullptr);
  // Its hooks are gone: a call that would use them works.
  CHECK(net(ones({2, 3, 8, 8})).requires_grad());
}

TEST_CASE("shared and repeated modules count once, their operations each time") {
  auto linear = layer("{_target_: torch.nn.Linear, in_features: 8, out_features: 8, bias: false}");
  class Twice final : public Module {
   public:
    explicit Twice(std::shared_ptr<Module> m) : m_(register_module("m", std::move(m))) {}
    Tensor forward(const Tensor& x) override { return (*m_)((*m_)(x)); }
    std::string type_name() const override { return "Twice"; }

   private:
    std::shared_ptr<Module> m_;
  } twice(linear);
  const ModelSummary s = summarize(twice, 1, zeros({4, 8}));
  CHECK(s.total_params == 64);
  REQUIRE(s.layers.size() == 1);
  CHECK(s.layers[0].flops == 2 * 2 * 4 * 8 * 8);
  CHECK(s.flops == 2 * 2 * 4 * 8 * 8);
}

TEST_CASE("counters nest, and tell operations apart") {
  const FlopCounter outer;
  matmul(ones({2, 3}), ones({3, 4}));
  {
    const FlopCounter inner;
    matmul(ones({2, 3}), ones({3, 5}));
    CHECK(inner.by_op().at("matmul").flops == 2 * 2 * 3 * 5);
    conv2d(ones({1, 1, 3, 3}), ones({1, 1, 2, 2}));
    CHECK(inner.by_op().at("conv2d").flops == 2 * 4 * 4);
  }
  CHECK(outer.flops() == 2 * 2 * 3 * 4 + 2 * 2 * 3 * 5 + 2 * 4 * 4);
}

TEST_CASE("counts in few characters") {
  // The examples of Lightning's get_human_readable_count.
  const std::pair<double, const char*> values[] = {
      {0, "0  "},     {123, "123  "},  {1234, "1.2 K"},   {2e6, "2.0 M"},
      {3e9, "3.0 B"}, {4e14, "400 T"}, {5e15, "5,000 T"}, {999999, "999 K"}};
  for (const auto& [count, text] : values) CHECK(human_count(count) == text);
}
