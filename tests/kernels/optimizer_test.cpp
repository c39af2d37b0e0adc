// Optimizer steps against trajectories of torch.optim (tests/data/kernels/optimizer.py).
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/optimizer/optimizer.h"

using namespace iolaus;

namespace {

OptimizerStep step_from(const std::string& kind, const nlohmann::json& options) {
  OptimizerStep step;
  step.lr = options.at("lr");
  step.weight_decay = options.value("weight_decay", 0.0);
  step.maximize = options.value("maximize", false);
  step.momentum = options.value("momentum", 0.0);
  step.dampening = options.value("dampening", 0.0);
  step.nesterov = options.value("nesterov", false);
  if (options.contains("betas")) {
    step.beta1 = options["betas"][0];
    step.beta2 = options["betas"][1];
  }
  step.eps = options.value("eps", 1e-8);
  step.amsgrad = options.value("amsgrad", false);
  step.decoupled = kind == "adamw";
  step.element = step.compute = kFloat64;
  return step;
}

}  // namespace

TEST_CASE("twenty steps of sgd, adam and adamw are those of torch.optim") {
  std::ifstream file(std::string(IOLAUS_SOURCE_DIR) + "/tests/data/kernels/optimizer.json");
  REQUIRE(file.good());
  const nlohmann::json data = nlohmann::json::parse(file);
  using V = std::vector<double>;
  for (const auto& test : data["cases"]) {
    const std::string kind = test["kind"];
    CAPTURE(kind);
    CAPTURE(test["options"].dump());
    OptimizerStep step = step_from(kind, test["options"]);
    V theta = data["start"].get<V>();
    // Memory that sgd's buffer and no other may find uninitialised.
    V state[3] = {V(7, kind == "sgd" ? std::nan("") : 0.0), V(7, 0.0), V(7, 0.0)};
    for (int t = 0; t < 20; ++t) {
      const V grad = data["grads"][static_cast<size_t>(t)].get<V>();
      step.items = {{theta.data(),
                     grad.data(),
                     {state[0].data(), state[1].data(), state[2].data()},
                     7,
                     t + 1}};
      (kind == "sgd" ? sgd_kernels() : adam_kernels())(step);
      const V expected = test["path"][static_cast<size_t>(t)].get<V>();
      for (size_t i = 0; i < 7; ++i) {
        CHECK(std::abs(theta[i] - expected[i]) <= 1e-13 * std::max(1.0, std::abs(expected[i])));
      }
    }
  }
}

TEST_CASE("the norm of many tensors does not depend on how they are cut") {
  std::vector<float> x(100000);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3;
  double squares = 0;
  for (float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
  float norm = 0;
  TensorList list;
  list.scalar = &norm;
  list.items = {{x.data(), 10}, {x.data() + 10, 0}, {x.data() + 10, 99990}};
  grad_norm_kernels()(list);
  CHECK(norm == doctest::Approx(std::sqrt(squares)).epsilon(1e-7));
}

TEST_CASE("scaling reports infinities and NaN, and does not forget earlier ones") {
  for (float bad : {INFINITY, -INFINITY, NAN}) {
    std::vector<float> x(1000, 4.0f);
    x[999] = bad;
    float factor = 0.25f, found = 0;
    TensorList list;
    list.scales = true;
    list.scalar = &factor;
    list.found_inf = &found;
    list.items = {{x.data(), 999}};
    grad_scale_kernels()(list);
    CHECK(found == 0);
    CHECK(x[0] == 1);
    list.items = {{x.data(), 1000}};
    grad_scale_kernels()(list);
    CHECK(found == 1);
    list.items = {{x.data(), 10}};
    grad_scale_kernels()(list);
    CHECK(found == 1);
  }
}
