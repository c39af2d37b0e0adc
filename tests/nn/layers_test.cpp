// What the comparison with PyTorch does not see: random layers, hooks, parametrised layers,
// containers of modules, state dicts that fit in part, refused options.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "config/instantiate.h"
#include "config/yaml.h"
#include "nn/layers/activation.h"
#include "nn/layers/conv.h"
#include "nn/layers/dropout.h"
#include "nn/layers/linear.h"
#include "nn/layers/parametrize.h"
#include "nn/layers/pool.h"
#include "nn/layers/rnn.h"
#include "nn/layers/sequential.h"
#include "nn/layers/transformer.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;

namespace {

std::shared_ptr<Module> make(const char* yaml) {
  return config::instantiate<Module>(config::load_yaml(yaml, "test.yaml"));
}
double largest_difference(const Tensor& a, const Tensor& b) { return sum(abs(sub(a, b))).item(); }

}  // namespace

TEST_CASE("channels are dropped as a whole, and the others grow") {
  for (const int rank : {1, 2, 3}) {
    ChannelDropout layer(rank, 0.25);
    Dims sizes{40, 50};
    for (int i = 0; i < rank; ++i) sizes.push_back(2);
    const Tensor y = layer(ones(sizes));
    const Tensor channels = flatten(y, 2);
    CHECK(largest_difference(amax(channels, {2}), amin(channels, {2})) == 0);
    const auto values = amax(channels, {2}).to_vector<float>();
    int64_t dropped = 0;
    for (const float v : values) {
      CHECK((v == 0 || v == doctest::Approx(4.0 / 3)));
      dropped += v == 0;
    }
    CHECK(std::abs(static_cast<double>(dropped) / 2000 - 0.25) < 0.05);
  }
  CHECK_THROWS_WITH(ChannelDropout(2)(ones({4})), Contains("[Dropout2d] expected 3 or 4"));
  CHECK_THROWS_WITH(Dropout(1.5), Contains("p in [0, 1]"));
}

TEST_CASE("alpha dropout keeps mean and variance") {
  manual_seed(3);
  const Tensor x = randn({200, 500});
  for (const bool channels : {false, true}) {
    AlphaDropout layer(0.2, channels);
    const Tensor y = layer(x);
    CHECK(std::abs(mean(y).item()) < 0.03);
    CHECK(std::abs(iolaus::std(y).item() - 1) < 0.03);
    CHECK(largest_difference(x, y) > 0);
  }
}

TEST_CASE("a randomised leaky ReLU draws slopes between its limits, for the gradient too") {
  RReLU layer(0.25, 0.5);
  const Tensor x = full({1000}, -1.0);
  x.set_requires_grad();
  const Tensor y = layer(x);
  sum(y).backward();
  const auto slopes = x.grad().to_vector<float>();
  const auto [low, high] = std::minmax_element(slopes.begin(), slopes.end());
  CHECK(*low >= 0.25f);
  CHECK(*low < 0.27f);
  CHECK(*high <= 0.5f);
  CHECK(*high > 0.48f);
  CHECK(largest_difference(y.detach(), neg(x.grad())) == 0);
}

TEST_CASE("dropout between recurrent layers acts while training only") {
  LSTM layer(3, 8, {.num_layers = 2, .dropout = 0.5});
  const Tensor x = randn({4, 2, 3});
  CHECK(largest_difference(layer(x).detach(), layer(x).detach()) > 0);
  layer.eval();
  CHECK(largest_difference(layer(x).detach(), layer(x).detach()) == 0);
}

TEST_CASE("hooks see and replace what goes in and out, and can be removed") {
  Sequential model({std::make_shared<Linear>(2, 2)});
  Module& layer = *model.children()[0].second;
  const Tensor x = ones({1, 2});
  const Tensor plain = model(x).detach();
  std::string order;
  const auto remove_pre = layer.register_forward_pre_hook([&](Module& m, const Tensor& in) {
    order += m.type_name() + " in,";
    return mul(in, 0);
  });
  const auto remove =
      layer.register_forward_hook([&](Module&, const Tensor& in, const Tensor& out) {
        order += "out,";
        CHECK(sum(in).item() == 0);
        return add(out, 1);
      });
  const Tensor bias = layer.parameter("bias").detach();
  CHECK(largest_difference(model(x).detach(), add(bias, 1)) < 1e-6);
  CHECK(order == "Linear in,out,");
  remove_pre();
  remove();
  remove();
  CHECK(largest_difference(model(x).detach(), plain) == 0);
  // A hook may remove itself, and one that gives nothing changes nothing.
  std::function<void()> own;
  own = layer.register_forward_hook([&](Module&, const Tensor&, const Tensor&) {
    order += "once";
    own();
    return Tensor();
  });
  CHECK(largest_difference(model(x).detach(), plain) == 0);
  model(x);
  CHECK(order == "Linear in,out,once");
}

TEST_CASE("a state that fits in part is loaded where it fits, and the rest is named") {
  Linear a(2, 3), b(2, 3);
  auto state = a.state_dict();
  state.erase("bias");
  state["extra"] = zeros({1});
  const Tensor bias = clone(b.parameter("bias").detach());
  const LoadResult result = b.load_state_dict(state, false);
  CHECK(result.missing == std::vector<std::string>{"bias"});
  CHECK(result.unexpected == std::vector<std::string>{"extra"});
  CHECK(largest_difference(a.parameter("weight").detach(), b.parameter("weight").detach()) == 0);
  CHECK(largest_difference(b.parameter("bias").detach(), bias) == 0);
  state["weight"] = zeros({3, 3});
  CHECK_THROWS_WITH(b.load_state_dict(state, false), Contains("expected shape [3, 2], got [3, 3]"));
}

TEST_CASE("apply, named_modules and requires_grad_ reach the whole tree") {
  const auto model = make(
      "{_target_: torch.nn.Sequential, layers: {a: {_target_: torch.nn.Sequential, layers: {fc: "
      "{_target_: torch.nn.Linear, in_features: 2, out_features: 2}}}, b: {_target_: "
      "torch.nn.ReLU}}}");
  std::string names, visited;
  for (const auto& [name, module] : model->named_modules()) {
    names += name + "=" + module->type_name() + " ";
  }
  CHECK(names == "=Sequential a=Sequential a.fc=Linear b=ReLU ");
  model->apply([&](Module& m) { visited += m.type_name() + " "; });
  CHECK(visited == "Linear Sequential ReLU Sequential ");
  model->requires_grad_(false);
  for (const Tensor& p : model->parameters()) CHECK(!p.requires_grad());
  CHECK_THROWS_WITH(model->parameter("weight"), Contains("Sequential has no parameter 'weight'"));
}

TEST_CASE("a parametrised layer trains what its weight is made of, in any dtype") {
  const auto layer = std::make_shared<Linear>(4, 3);
  const Tensor x = randn({2, 4});
  const Tensor before = (*layer)(x).detach();
  weight_norm(*layer);
  std::string names;
  for (const auto& [name, p] : layer->named_parameters()) names += name + " ";
  CHECK(names == "bias parametrizations.weight.original0 parametrizations.weight.original1 ");
  CHECK(largest_difference((*layer)(x).detach(), before) < 1e-5);
  sum((*layer)(x)).backward();
  for (const auto& [name, p] : layer->named_parameters()) CHECK(p.grad().defined());
  layer->to(kFloat64);
  CHECK((*layer)(to(x, kFloat64)).dtype() == kFloat64);
  CHECK_THROWS_WITH(weight_norm(*layer), Contains("has no parameter 'weight'"));
}

TEST_CASE("spectral norm brings the largest singular value to 1") {
  manual_seed(2);
  Linear layer(6, 5, false);
  spectral_norm(layer, "weight", {.n_power_iterations = 50});
  const Tensor y = layer(eye(6));  // the weight, transposed
  Tensor v = randn({5});
  for (int i = 0; i < 100; ++i) {
    v = mv(transpose(y, 0, 1), mv(y, v)).detach();
    v = div(v, norm(v));
  }
  CHECK(norm(mv(y, v)).item() == doctest::Approx(1).epsilon(1e-4));
}

TEST_CASE("LoRA starts as its base and trains the two narrow matrices alone") {
  LoraLinear layer(6, 4, {.rank = 2, .alpha = 4});
  const Tensor x = randn({3, 6});
  auto& base = *layer.children()[0].second;
  CHECK(largest_difference(layer(x).detach(), base(x).detach()) == 0);
  sum(layer(x)).backward();
  for (const auto& [name, p] : layer.named_parameters()) {
    CHECK(p.grad().defined() == name.starts_with("lora_"));
  }
}

TEST_CASE("lists and dicts of modules and lists of parameters name their members") {
  ModuleList list({std::make_shared<Linear>(1, 1, false), std::make_shared<Linear>(1, 1, false)});
  ModuleDict dict;
  dict.insert("a", list[1]);
  ParameterList parameters({ones({2})});
  parameters.append(zeros({3}));
  CHECK(list.state_dict().contains("1.weight"));
  CHECK(dict["a"] == list[1]);
  CHECK(parameters[1].size(0) == 3);
  CHECK(parameters.parameter_count() == 5);
  CHECK_THROWS_WITH(dict["b"], Contains("there is no module 'b'"));
  CHECK_THROWS_WITH(list(ones({1})), Contains("[ModuleList] has no forward"));
}

TEST_CASE("copies of a transformer's layer start alike and are trained apart") {
  const auto layer = std::make_shared<TransformerEncoderLayer>(
      TransformerOptions{.d_model = 4, .nhead = 2, .dim_feedforward = 4});
  const TransformerEncoder encoder(layer, 2);
  const auto state = encoder.state_dict();
  const Tensor a = state.at("layers.0.linear1.weight"), b = state.at("layers.1.linear1.weight");
  CHECK(largest_difference(a, b) == 0);
  CHECK(a.storage() != b.storage());
}

TEST_CASE("causal attention without a mask is attention with the mask") {
  MultiheadAttention layer(6, 2);
  const Tensor x = randn({5, 2, 6});
  const Tensor expected = layer.forward(x, x, x, {.attention = square_subsequent_mask(5)}).detach();
  CHECK(largest_difference(layer.forward(x, x, x, {.is_causal = true}).detach(), expected) < 1e-4);
  const auto with = layer.forward_with_weights(x, x, x, {.is_causal = true});
  CHECK(largest_difference(with.output.detach(), expected) < 1e-4);
  CHECK(sum(triu(with.weights.detach(), 1)).item() == 0);
}

TEST_CASE("maxima tell where they were") {
  const Tensor x = from_values<float>({1, 5, 2, 9, 3, 4}, {1, 1, 6});
  const auto [values, places] = MaxPool1d(Dims{2}).forward_with_indices(x);
  CHECK(values.to_vector<float>() == std::vector<float>{5, 9, 4});
  CHECK(places.to_vector<int64_t>() == std::vector<int64_t>{1, 3, 5});
  const auto adaptive = AdaptiveMaxPool1d(Dims{2}).forward_with_indices(x);
  CHECK(adaptive.second.to_vector<int64_t>() == std::vector<int64_t>{1, 3});
}

TEST_CASE("the shipped models classify images of 28 x 28, and all their parameters are trained") {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(IOLAUS_SOURCE_DIR "/apps/conf/model")) {
    CAPTURE(entry.path().string());
    const auto model = config::instantiate<Module>(config::load_file(entry.path().string()));
    const Tensor out = (*model)(randn({2, 1, 28, 28}));
    CHECK(out.sizes() == Dims{2, 10});
    sum(square(out)).backward();
    for (const auto& [name, p] : model->named_parameters()) {
      CAPTURE(name);
      CHECK(p.grad().defined());
    }
    ++count;
  }
  CHECK(count >= 5);
}

TEST_CASE("options that make no sense are refused by name") {
  CHECK_THROWS_WITH(make("{_target_: torch.nn.Conv2d, in_channels: 3, out_channels: 4, "
                         "kernel_size: 3, groups: 2}"),
                    Contains("do not divide into 2 groups"));
  CHECK_THROWS_WITH(make("{_target_: torch.nn.Conv2d, in_channels: 3, out_channels: 4, "
                         "kernel_size: [1, 2, 3]}"),
                    Contains("expected one number or 2, got 3"));
  CHECK_THROWS_WITH(make("{_target_: torch.nn.Conv1d, in_channels: 3, out_channels: 4, "
                         "kernel_size: 3, padding: most}"),
                    Contains("'same' or 'valid'"));
  CHECK_THROWS_WITH(make("{_target_: torch.nn.Conv1d, in_channels: 3, out_channels: 4, "
                         "kernel_size: 3, padding: same, stride: 2}"),
                    Contains("needs a stride of 1"));
  CHECK_THROWS_WITH(make("{_target_: torch.nn.GELU, approximate: cubic}"), Contains("'tanh'"));
  CHECK_THROWS_WITH(make("{_target_: torch.nn.Upsample}"), Contains("size or scale_factor"));
  CHECK_THROWS_WITH(make("{_target_: torch.nn.MultiheadAttention, embed_dim: 5, num_heads: 2}"),
                    Contains("a multiple of num_heads"));
  CHECK_THROWS_WITH(make("{_target_: torch.nn.GRU, input_size: 2, hidden_size: 0}"),
                    Contains("[GRU] expected sizes"));
  const auto gru = make("{_target_: torch.nn.GRU, input_size: 2, hidden_size: 3}");
  CHECK_THROWS_WITH((*gru)(ones({4, 1, 5})), Contains("whose elements have size 2"));
  CHECK_THROWS_WITH(dynamic_cast<GRU&>(*gru).forward(ones({4, 1, 2}), ones({1, 2, 3})),
                    Contains("[GRU] expected a state of [1, 1, 3]"));
  CHECK_THROWS_WITH(make("{_target_: torch.nn.MaxPool2d, kernel_size: 2, return_indices: true}"),
                    Contains("one result"));
}
