// The module tree: names, state, modes, errors; optimizers and schedules; metrics.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "autograd/grad_mode.h"
#include "core/io/file.h"
#include "nn/init.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/dropout.h"
#include "nn/layers/function.h"
#include "nn/layers/linear.h"
#include "nn/layers/sequential.h"
#include "nn/metrics.h"
#include "nn/optim/clip.h"
#include "nn/optim/schedules.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;

namespace {

std::shared_ptr<Sequential> small_model() {
  auto inner = std::make_shared<Sequential>();
  inner->add(std::make_shared<Linear>(4, 3), "fc");
  inner->add(std::make_shared<BatchNorm>("BatchNorm1d", 3), "norm");
  auto model = std::make_shared<Sequential>();
  model->add(inner, "body");
  model->add(std::make_shared<Linear>(3, 2, false));
  return model;
}

const OptimizerOptions kSgd{{"lr", 0.1},         {"momentum", 0.9}, {"dampening", 0},
                            {"weight_decay", 0}, {"nesterov", 0},   {"maximize", 0}};

}  // namespace

TEST_CASE("names of parameters and buffers are dotted paths, as in PyTorch's state_dict") {
  const auto state = small_model()->state_dict();
  std::string names;
  for (const auto& [name, tensor] : state) names += name + " ";
  CHECK(names ==
        "1.weight body.fc.bias body.fc.weight body.norm.bias body.norm.num_batches_tracked "
        "body.norm.running_mean body.norm.running_var body.norm.weight ");
  CHECK(small_model()->parameter_count() == 12 + 3 + 3 + 3 + 6);
}

TEST_CASE("load_state_dict copies all or nothing, and lists everything that does not fit") {
  const auto a = small_model(), b = small_model();
  b->load_state_dict(a->state_dict());
  CHECK(a->state_dict().at("1.weight").to_vector<float>() ==
        b->state_dict().at("1.weight").to_vector<float>());
  auto wrong = a->state_dict();
  wrong.erase("1.weight");
  wrong["extra"] = zeros({1});
  wrong["body.fc.weight"] = zeros({2, 2});
  const auto before = b->state_dict().at("body.fc.bias").to_vector<float>();
  CHECK_THROWS_WITH(b->load_state_dict(wrong), Contains("missing: 1.weight"));
  CHECK_THROWS_WITH(b->load_state_dict(wrong), Contains("unknown: extra"));
  CHECK_THROWS_WITH(b->load_state_dict(wrong), Contains("expected shape [3, 4], got [2, 2]"));
  CHECK(b->state_dict().at("body.fc.bias").to_vector<float>() == before);
}

TEST_CASE("names are checked when modules are put together") {
  Sequential model;
  model.add(std::make_shared<Linear>(1, 1), "a");
  CHECK_THROWS_WITH(model.add(std::make_shared<Linear>(1, 1), "a"), Contains("'a' is taken"));
  CHECK_THROWS_WITH(model.add(std::make_shared<Linear>(1, 1), "a.b"), Contains("has a dot"));
  CHECK_THROWS_WITH(model.add(nullptr, "c"), Contains("is null"));
}

TEST_CASE("eval and train reach all modules; dropout is the identity in eval") {
  Sequential model({std::make_shared<Dropout>(0.5)});
  const Tensor x = ones({1000});
  const auto dropped = model.forward(x).to_vector<float>();
  const double zeros_share =
      static_cast<double>(std::count(dropped.begin(), dropped.end(), 0.0f)) / 1000;
  CHECK(zeros_share > 0.4);
  CHECK(zeros_share < 0.6);
  CHECK(*std::max_element(dropped.begin(), dropped.end()) == 2.0f);
  model.eval();
  CHECK(model.forward(x).to_vector<float>() == std::vector<float>(1000, 1.0f));
}

TEST_CASE("moving a module to a dtype keeps its parameters' handles") {
  Linear layer(2, 2);
  const Tensor weight = layer.parameters()[0];
  layer.to(kFloat64);
  CHECK(weight.dtype() == kFloat64);
  CHECK(layer.forward(ones({1, 2}, {.dtype = kFloat64})).dtype() == kFloat64);
}

TEST_CASE("initialisation stays within PyTorch's bounds and fills them") {
  Linear layer(400, 300);
  const auto w = layer.parameters()[0].to_vector<double>();
  const double bound = 1 / std::sqrt(400.0);
  double largest = 0, sum_of_squares = 0;
  for (double v : w) {
    largest = std::max(largest, std::abs(v));
    sum_of_squares += v * v;
  }
  CHECK(largest <= bound);
  CHECK(largest > 0.99 * bound);
  CHECK(std::abs(sum_of_squares / static_cast<double>(w.size()) / (bound * bound / 3) - 1) < 0.02);
}

TEST_CASE("optimizers refuse what makes no sense and save and restore their state") {
  Linear layer(2, 2);
  CHECK_THROWS_WITH(SGD(one_group({}), kSgd), Contains("no parameters"));
  const Tensor w = layer.parameters()[0];
  CHECK_THROWS_WITH(SGD(one_group({w, w}), kSgd), Contains("appears twice"));
  OptimizerOptions bad = kSgd;
  bad["lr"] = -1;
  CHECK_THROWS_WITH(SGD(one_group(layer.parameters()), bad), Contains("must not be negative"));

  SGD a(one_group(layer.parameters()), kSgd);
  sum(layer.forward(ones({1, 2}))).backward();
  a.step();
  const auto state = a.state_dict();
  CHECK(state.at("0.step").item<int64_t>() == 1);
  CHECK(state.contains("1.momentum_buffer"));
  SGD b(one_group(layer.parameters()), kSgd);
  b.load_state_dict(state);
  CHECK(b.state_dict().at("0.momentum_buffer").to_vector<float>() ==
        state.at("0.momentum_buffer").to_vector<float>());
  auto broken = state;
  broken.erase("0.momentum_buffer");
  CHECK_THROWS_WITH(b.load_state_dict(broken), Contains("0.momentum_buffer"));
}

TEST_CASE("schedules follow their formulas") {
  Linear layer(1, 1);
  const auto rates = [&](auto make, int count) {
    auto optimizer = std::make_shared<SGD>(one_group(layer.parameters()), kSgd);
    auto scheduler = make(optimizer);
    std::vector<double> all;
    for (int i = 0; i < count; ++i) {
      all.push_back(optimizer->options()[0].at("lr"));
      scheduler->step();
    }
    return all;
  };
  const auto step = rates([](auto o) { return std::make_shared<StepLR>(o, 2, 0.1); }, 5);
  const std::vector<double> expected_step{0.1, 0.1, 0.01, 0.01, 0.001};
  const auto cosine = rates([](auto o) { return std::make_shared<CosineAnnealingLR>(o, 4); }, 5);
  const std::vector<double> expected_cosine{0.1, 0.0853553390593274, 0.05, 0.0146446609406726, 0};
  for (int i = 0; i < 5; ++i) {
    CHECK(step[i] == doctest::Approx(expected_step[i]));
    CHECK(cosine[i] == doctest::Approx(expected_cosine[i]));
  }
}

TEST_CASE("clip_grad_norm_ returns the norm and scales only what is too long") {
  const Tensor a = zeros({2}).set_requires_grad(), b = zeros({1}).set_requires_grad();
  const auto set = [&] {
    a.set_grad(from_values<float>({3, 0}, {2}));
    b.set_grad(from_values<float>({4}, {1}));
  };
  set();
  CHECK(clip_grad_norm_({a, b}, 10).item<double>() == doctest::Approx(5));
  CHECK(b.grad().item<float>() == 4);
  CHECK(clip_grad_norm_({a, b}, 1).item<double>() == doctest::Approx(5));
  CHECK(b.grad().item<float>() == doctest::Approx(0.8).epsilon(1e-5));
}

TEST_CASE("metrics accumulate over batches") {
  Accuracy accuracy;
  CHECK(std::isnan(accuracy.compute()));
  accuracy.update(from_values<float>({1, 0, 0, 1}, {2, 2}), from_values<int64_t>({0, 0}, {2}));
  accuracy.update(from_values<float>({0, 1}, {1, 2}), from_values<int64_t>({1}, {1}));
  CHECK(accuracy.compute() == doctest::Approx(2.0 / 3));
  MeanMetric mean_metric;
  mean_metric.update(full({}, 2.0), 3);
  mean_metric.update(full({}, 6.0), 1);
  CHECK(mean_metric.compute() == doctest::Approx(3));
}
