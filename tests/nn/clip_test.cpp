// Clipping and unscaling of gradients: against PyTorch (tests/data/nn/clip.py), and what is special
// about several dtypes, infinities and layouts.
#include "nn/optim/clip.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "autograd/ops.h"
#include "core/views.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;

namespace {

using Lists = std::vector<std::vector<double>>;
constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor with_gradient(const Tensor& gradient) {
  const Tensor p = zeros_like(gradient);
  p.set_requires_grad();
  p.set_grad(clone(gradient));
  return p;
}

Tensors parameters(const nlohmann::json& data) {
  Tensors all;
  for (size_t i = 0; i < data["start"].size(); ++i) {
    all.push_back(with_gradient(from_values(data["start"][i].get<std::vector<double>>(),
                                            Dims(data["shapes"][i].get<std::vector<int64_t>>()))));
  }
  return all;
}

void compare(const Tensors& params, const Lists& expected) {
  REQUIRE(params.size() == expected.size());
  for (size_t i = 0; i < params.size(); ++i) {
    const auto actual = params[i].grad().to_vector<double>();
    REQUIRE(actual.size() == expected[i].size());
    for (size_t k = 0; k < actual.size(); ++k) {
      CHECK(std::abs(actual[k] - expected[i][k]) <= 1e-14 * std::max(1.0, std::abs(actual[k])));
    }
  }
}

}  // namespace

TEST_CASE("norms and clipped gradients are PyTorch's") {
  std::ifstream file(IOLAUS_SOURCE_DIR "/tests/data/nn/clip.json");
  REQUIRE(file.good());
  const nlohmann::json data = nlohmann::json::parse(file);
  for (const auto& test : data["norm_cases"]) {
    CAPTURE(test["order"].dump());
    CAPTURE(test["max_norm"].dump());
    const double order = test["order"].is_string() ? kInf : test["order"].get<double>();
    const Tensors p = parameters(data);
    const Tensor norm = clip_grad_norm_(p, test["max_norm"], {.norm_type = order});
    const double expected = test["norm"];
    CHECK(std::abs(norm.item<double>() - expected) <= 1e-14 * expected);
    compare(p, test["grads"].get<Lists>());
  }
  const Tensors p = parameters(data);
  clip_grad_value_(p, data["clip_value"]);
  compare(p, data["clipped"].get<Lists>());
}

TEST_CASE("gradients of several dtypes count as one vector") {
  const Tensor a = with_gradient(full({2}, 2.0)), b = with_gradient(full({2}, 2.0, {kFloat64}));
  const Tensor c = with_gradient(full({8}, 1.0, {kBFloat16}));
  CHECK(clip_grad_norm_({a, b, c}, 1).item<double>() == doctest::Approx(std::sqrt(24)));
  CHECK(a.grad().to_vector<double>()[1] == doctest::Approx(2 / std::sqrt(24)).epsilon(1e-5));
  CHECK(b.grad().to_vector<double>()[1] == doctest::Approx(2 / std::sqrt(24)).epsilon(1e-5));
  CHECK(c.grad().to_vector<double>()[7] == doctest::Approx(1 / std::sqrt(24)).epsilon(1e-2));
}

TEST_CASE("a gradient that is not dense is clipped too") {
  const Tensor p = zeros({2, 3}).set_requires_grad();
  p.set_grad(views::expand(full({2, 1}, 3.0), {2, 3}));
  clip_grad_value_({p}, 1);
  CHECK(p.grad().to_vector<double>() == std::vector<double>(6, 1.0));
}

TEST_CASE("a norm that is not finite is an error only where that is asked for") {
  for (const double bad : {kInf, std::nan("")}) {
    const Tensor p = with_gradient(from_values<double>({3, bad}, {2}));
    CHECK_THROWS_WITH(clip_grad_norm_({p}, 1, {.error_if_nonfinite = true}),
                      Contains("[clip_grad_norm_] expected gradients of finite norm"));
    CHECK(p.grad().to_vector<double>()[0] == 3);
    CHECK(!std::isfinite(clip_grad_norm_({p}, 1).item<double>()));
  }
  CHECK_THROWS_WITH(clip_grad_norm_({}, 1, {.norm_type = 0}), Contains("norm_type above 0"));
  CHECK_THROWS_WITH(clip_grad_value_({}, -1), Contains("clip_value of at least 0"));
  CHECK(clip_grad_norm_({zeros({2})}, 1).item<double>() == 0);
}

TEST_CASE("unscaling multiplies, finds what is not finite in any dtype, and does not forget") {
  const Tensor inverse = full({}, 0.25), found = zeros({});
  const Tensor a = with_gradient(full({3}, 4.0)), b = with_gradient(full({3}, 8.0, {kFloat64}));
  unscale_({a, b}, inverse, found);
  CHECK(a.grad().to_vector<double>() == std::vector<double>(3, 1.0));
  CHECK(b.grad().to_vector<double>() == std::vector<double>(3, 2.0));
  CHECK(found.item<double>() == 0);
  for (const DType dtype : {kFloat16, kBFloat16, kFloat32, kFloat64}) {
    for (const double bad : {kInf, -kInf, std::nan("")}) {
      zero_(found);
      unscale_({a, with_gradient(to(from_values<double>({1, bad}, {2}), dtype))}, inverse, found);
      CHECK(found.item<double>() == 1);
      unscale_({a}, inverse, found);
      CHECK(found.item<double>() == 1);
    }
  }
  CHECK_THROWS_WITH(unscale_({a}, zeros({2}), found), Contains("one float32 number"));
}
