// Optimizers against twenty steps of torch.optim and against L-BFGS of it
// (tests/data/nn/optimizers.py), made from configs as a user would; states and averages.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "config/instantiate.h"
#include "config/yaml.h"
#include "core/io/safetensors.h"
#include "nn/layers/linear.h"
#include "nn/optim/averaged.h"
#include "nn/optim/composed.h"
#include "nn/optim/elementwise.h"
#include "nn/optim/lbfgs.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;
using nlohmann::json;

namespace {

const std::string kData = std::string(IOLAUS_SOURCE_DIR) + "/tests/data/nn/optimizers";

const json& data() {
  static const json all = [] {
    std::ifstream file(kData + ".json");
    return json::parse(file);
  }();
  return all;
}

const std::map<std::string, Tensor>& numbers() {
  static const auto all = io::load_safetensors(kData + ".safetensors");
  return all;
}

std::shared_ptr<Optimizer> make(const std::string& name, const json& options,
                                const std::vector<ParamGroup>& groups) {
  const bool ours = name == "Lion" || name == "LAMB";
  json node = options;
  node["_target_"] = (ours ? "iolaus.optim." : "torch.optim.") + name;
  node["_partial_"] = true;
  const config::Node tree = config::load_json(node.dump(), "test");
  return config::instantiate<config::Partial>(tree)->call<Optimizer>({{"params", groups}});
}

// One case of the file: its parameters, its optimizer, and the gradients step by step.
struct Run {
  std::map<int, Tensor> params;
  std::shared_ptr<Optimizer> optimizer;

  explicit Run(const json& test) {
    std::vector<ParamGroup> groups(2);
    for (size_t g = 0; g < 2; ++g) {
      for (int i : test["params"][g].get<std::vector<int>>()) {
        const Tensor p = clone(numbers().at("start." + std::to_string(i))).set_requires_grad();
        params[i] = p;
        groups[g].params.push_back(p);
      }
    }
    for (const auto& [name, value] : test["second"].items()) {
      groups[1].options[name] = value.is_boolean() ? value.get<bool>() : value.get<double>();
    }
    optimizer = make(test["name"], test["options"], groups);
  }
  void step(int64_t t) {
    for (const auto& [i, p] : params) {
      if (i != 2) p.set_grad(clone(select(numbers().at("grads." + std::to_string(i)), 0, t)));
    }
    optimizer->step();
  }
};

}  // namespace

TEST_CASE("twenty steps of every optimizer are those of torch.optim") {
  size_t number = 0;
  for (const json& test : data()["cases"]) {
    const std::string name = test["name"];
    CAPTURE(test.dump());
    Run run(test);
    double worst = 0;
    for (int64_t t = 0; t < 20; ++t) {
      run.step(t);
      for (const auto& [i, p] : run.params) {
        const std::string key = "case." + std::to_string(number) + "." + std::to_string(i);
        const auto actual = p.to_vector<double>();
        const auto expected = i == 2 ? numbers().at("start.2").to_vector<double>()
                                     : select(numbers().at(key), 0, t).to_vector<double>();
        for (size_t k = 0; k < actual.size(); ++k) {
          worst = std::max(
              worst, std::abs(actual[k] - expected[k]) / std::max(1.0, std::abs(expected[k])));
        }
      }
    }
    // Muon's iteration is in bfloat16, on both sides.
    CHECK(worst <= (name == "Muon" ? 1.6e-2 : 1e-12));
    ++number;
  }
}

TEST_CASE("states have the names of torch.optim") {
  for (const json& test : data()["cases"]) {
    CAPTURE(test.dump());
    Run run(test);
    run.step(0);
    std::set<std::string> expected{"0.step"}, names;
    for (const std::string name : test["state"]) expected.insert("0." + name);
    for (const auto& [name, value] : run.optimizer->state_dict()) {
      if (name.starts_with("0.")) names.insert(name);
      CHECK_FALSE(name.starts_with(test["name"] == "Muon" ? "9." : "2."));
    }
    CHECK(names == expected);
  }
}

TEST_CASE("an optimizer that is loaded goes on to the same bits") {
  const std::string file =
      (std::filesystem::temp_directory_path() / ("iolaus_optimizer_" + std::to_string(getpid())))
          .string();
  for (const json& test : data()["cases"]) {
    CAPTURE(test.dump());
    Run run(test), other(test);
    for (int64_t t = 0; t < 10; ++t) run.step(t);
    io::save_safetensors(file, run.optimizer->state_dict());
    other.optimizer->load_state_dict(io::load_safetensors(file));
    other.optimizer->set_options(run.optimizer->options());
    for (const auto& [i, p] : run.params) copy_(other.params.at(i).detach(), p.detach());
    for (int64_t t = 10; t < 20; ++t) {
      run.step(t);
      other.step(t);
    }
    for (const auto& [i, p] : run.params) {
      CHECK(other.params.at(i).to_vector<double>() == p.to_vector<double>());
    }
    const std::string name = test["state"][test["state"][0] == "step" ? 1 : 0];
    auto state = run.optimizer->state_dict();
    state.erase("0." + name);
    CHECK_THROWS_WITH(other.optimizer->load_state_dict(state), Contains(("0." + name).c_str()));
  }
  std::filesystem::remove(file);
}

TEST_CASE("optimizers say what is wrong with their options") {
  const Tensor p = zeros({2}).set_requires_grad();
  const auto with = [&](const OptimizerOptions& o) { return RMSprop(one_group({p}), o); };
  CHECK_THROWS_WITH(with({{"alpha", -1}}), Contains("[RMSprop] alpha must not be negative"));
  CHECK_THROWS_WITH(with({{"beta1", 0.9}}), Contains("[RMSprop] there is no option 'beta1'"));
  CHECK_THROWS_WITH(NAdam(one_group({p}), {{"beta2", 1}}), Contains("expected betas in [0, 1)"));
  CHECK_THROWS_WITH(Adadelta(one_group({p}), {{"rho", 2}}), Contains("expected rho in [0, 1]"));
  CHECK_THROWS_WITH(Muon(one_group({p})), Contains("[Muon] expected matrices"));
  CHECK_THROWS_WITH(Adafactor(one_group({p}), {{"d", 0.5}}), Contains("expected d of at least 1"));
  CHECK_THROWS_WITH(make("Muon", {{"adjust_lr_fn", "odd"}}, one_group({p})),
                    Contains("match_rms_adamw"));
  SGD sgd(one_group({p}), {{"lr", 0.1}});
  sgd.add_param_group({{zeros({1}).set_requires_grad()}, {{"lr", 0.5}}});
  CHECK(sgd.options()[1].at("lr") == 0.5);
  CHECK_THROWS_WITH(sgd.add_param_group({{p}, {}}), Contains("appears twice"));
}

namespace {

Tensor rosenbrock(const Tensor& x) {
  const Tensor a = narrow(x, 0, 0, 4), b = narrow(x, 0, 1, 4);
  return sum(square(1 - a) + square(b - square(a)) * 100);
}

}  // namespace

TEST_CASE("L-BFGS takes the steps of torch.optim, with and without a line search") {
  for (const json& run : data()["lbfgs"]) {
    CAPTURE(run["options"].dump());
    const Tensor a = from_values<double>({-1.2, 1.0}, {2}).set_requires_grad();
    const Tensor b = from_values<double>({0.5, -0.7, 1.3}, {3}).set_requires_grad();
    const double sign = run["options"].contains("maximize") ? -1 : 1;
    auto optimizer = make("LBFGS", run["options"], one_group({a, b}));
    CHECK(optimizer->needs_closure());
    CHECK_THROWS_WITH(optimizer->step(), Contains("[LBFGS] step needs a closure"));
    const auto closure = [&] {
      optimizer->zero_grad();
      const Tensor loss = rosenbrock(cat({a, b}, 0)) * sign;
      loss.backward();
      return loss;
    };
    const size_t steps = run["losses"].size();
    for (size_t t = 0; t < steps; ++t) {
      // In the middle the optimizer is replaced by one that is loaded.
      if (t == steps / 2) {
        auto next = make("LBFGS", run["options"], one_group({a, b}));
        next->load_state_dict(optimizer->state_dict());
        optimizer = next;
      }
      const double loss = optimizer->step(closure).item<double>();
      const double expected = run["losses"][t];
      CHECK(std::abs(loss - expected) <= 1e-9 * std::max(1.0, std::abs(expected)));
      const auto point = cat({a, b}, 0).to_vector<double>();
      for (size_t i = 0; i < 5; ++i) {
        CHECK(std::abs(point[i] - run["points"][t][i].get<double>()) <= 1e-7);
      }
    }
    const auto state = optimizer->state_dict();
    CHECK(state.at("0.func_evals").item<int64_t>() == run["func_evals"].get<int64_t>());
    CHECK(state.at("0.n_iter").item<int64_t>() == run["n_iter"].get<int64_t>());
  }
}

TEST_CASE("a step with a closure returns its loss, gradients recorded") {
  const Tensor p = ones({2}).set_requires_grad();
  SGD sgd(one_group({p}), {{"lr", 0.5}});
  const NoGrad no_grad;
  const Tensor loss = sgd.step([&] {
    const Tensor l = sum(square(p));
    l.backward();
    return l;
  });
  CHECK(loss.item<double>() == 2);
  CHECK(p.to_vector<float>() == std::vector<float>{0, 0});
}

TEST_CASE("averages of weights are those of swa_utils") {
  for (const std::string kind : {"ema", "swa"}) {
    CAPTURE(kind);
    auto model = std::make_shared<Linear>(2, 1, false);
    model->to(kFloat64);
    AveragedModel average(model, kind == "ema" ? std::optional<double>(0.9) : std::nullopt);
    const Tensor weight = model->parameters()[0];
    for (size_t t = 0; t < 5; ++t) {
      const double at = static_cast<double>(t);
      copy_(weight.detach(), from_values<double>({std::sin(at + 1), std::cos(at * 2)}, {1, 2}));
      average.update_parameters();
      const auto actual = average.state_dict().at("module.weight").to_vector<double>();
      for (size_t i = 0; i < 2; ++i) {
        CHECK(actual[i] ==
              doctest::Approx(data()["averages"][kind][t][i].get<double>()).epsilon(1e-14));
      }
    }
    const auto own = weight.to_vector<double>();
    const auto averaged = average.state_dict().at("module.weight").to_vector<double>();
    average.swap();
    CHECK(weight.to_vector<double>() == averaged);
    average.swap();
    CHECK(weight.to_vector<double>() == own);
    AveragedModel other(model, 0.9);
    other.load_state_dict(average.state_dict());
    CHECK(other.n_averaged() == 5);
    CHECK(other.state_dict().at("module.weight").to_vector<double>() == averaged);
  }
}
