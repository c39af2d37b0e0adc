// Attention against PyTorch's (tests/data/autograd/attention.py), and what is special about it.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "autograd/ops.h"
#include "core/random.h"

using namespace iolaus;
using doctest::Contains;

namespace {

std::vector<double> values_of(const nlohmann::json& packed) {
  std::vector<double> values;
  for (const auto& v : packed["values"]) {
    values.push_back(v.is_null()      ? std::nan("")
                     : v.is_string()  ? std::stod(v.get<std::string>())
                     : v.is_boolean() ? static_cast<double>(v.get<bool>())
                                      : v.get<double>());
  }
  return values;
}

Tensor unpack(const nlohmann::json& packed) {
  const Dims sizes = packed["shape"].get<std::vector<int64_t>>();
  return to(from_values(values_of(packed), sizes), parse_dtype(packed["dtype"].get<std::string>()));
}

void compare(const Tensor& actual, const nlohmann::json& expected) {
  CHECK(actual.sizes() == Dims(expected["shape"].get<std::vector<int64_t>>()));
  const auto a = actual.to_vector<double>(), e = values_of(expected);
  REQUIRE(a.size() == e.size());
  for (size_t i = 0; i < e.size(); ++i) {
    CAPTURE(i);
    if (std::isnan(e[i])) {
      CHECK(std::isnan(a[i]));
    } else {
      CHECK(std::abs(a[i] - e[i]) <= 1e-12 * std::max(1.0, std::abs(e[i])));
    }
  }
}

Tensor ramp(const Tensor& like) {
  std::vector<double> values(static_cast<size_t>(like.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i + 1);
  return from_values(values, like.sizes());
}

Tensor normal(const Dims& sizes, DType dtype = kFloat32) { return randn(sizes, {.dtype = dtype}); }

}  // namespace

TEST_CASE("attention and its gradients are PyTorch's") {
  std::ifstream file(std::string(IOLAUS_SOURCE_DIR) + "/tests/data/autograd/attention.json");
  REQUIRE(file.good());
  const nlohmann::json cases = nlohmann::json::parse(file)["cases"];
  for (const auto& test : cases) {
    const std::string name = test["name"];
    CAPTURE(name);
    Tensors x;
    for (const auto& packed : test["inputs"]) {
      x.push_back(unpack(packed));
      if (x.size() <= 3 || test["mask_grad"].get<bool>()) x.back().set_requires_grad();
    }
    const auto& options = test["options"];
    std::optional<double> scale;
    if (options.contains("scale")) scale = options["scale"].get<double>();
    const Tensor out = scaled_dot_product_attention(
        x[0], x[1], x[2], x.size() > 3 ? x[3] : Tensor(), 0, options.value("is_causal", false),
        scale, options.value("enable_gqa", false));
    compare(out.detach(), test["out"]);
    out.backward(ramp(out.detach()));
    for (size_t i = 0; i < test["grads"].size(); ++i) {
      CAPTURE(i);
      compare(x[i].grad(), test["grads"][i]);
    }
  }
}

TEST_CASE("attention of several blocks agrees with its formula in every dtype") {
  manual_seed(11);
  const Tensor q = normal({1, 2, 300, 48}, kFloat64), k = normal({1, 2, 570, 48}, kFloat64),
               v = normal({1, 2, 570, 48}, kFloat64);
  for (bool causal : {false, true}) {
    // A mask that wants a gradient takes the formula.
    Tensor mask = zeros({300, 570}, {.dtype = kFloat64});
    if (causal) {
      double* m = mask.data<double>();
      for (int64_t i = 0; i < 300; ++i) {
        for (int64_t j = i + 1; j < 570; ++j)
          m[i * 570 + j] = -std::numeric_limits<double>::infinity();
      }
    }
    mask.set_requires_grad();
    const auto expected = scaled_dot_product_attention(q, k, v, mask).detach().to_vector<double>();
    for (const auto& [dtype, bound] :
         {std::pair{kFloat64, 1e-12}, {kFloat32, 1e-5}, {kFloat16, 4e-3}, {kBFloat16, 3e-2}}) {
      const auto actual =
          scaled_dot_product_attention(to(q, dtype), to(k, dtype), to(v, dtype), {}, 0, causal)
              .to_vector<double>();
      double error = 0;
      for (size_t i = 0; i < expected.size(); ++i) {
        error = std::max(error, std::abs(actual[i] - expected[i]));
      }
      CAPTURE(dtype_name(dtype));
      CHECK(error <= bound);
    }
  }
}

TEST_CASE("attention of heads beside each other in memory gives the same layout back") {
  manual_seed(12);
  const Tensor packed = normal({2, 5, 3, 4, 8}).set_requires_grad();  // B, T, (q, k, v), H, D
  const auto part = [&](int64_t i) { return transpose(select(packed, 2, i), 1, 2); };
  const Tensor out = transpose(scaled_dot_product_attention(part(0), part(1), part(2)), 1, 2);
  CHECK(out.is_contiguous());
  sum(square(out)).backward();
  CHECK(packed.grad().sizes() == packed.sizes());
}

TEST_CASE("dropout of attention drops by its seed, in the backward pass too") {
  const Tensor q = normal({1, 1, 40, 8}), k = normal({1, 1, 50, 8});
  const Tensor v = ones({1, 1, 50, 8}).set_requires_grad();
  const auto run = [&](double p) { return scaled_dot_product_attention(q, k, v, {}, p); };
  manual_seed(1);
  const Tensor a = run(0.25);
  manual_seed(1);
  const Tensor b = run(0.25);
  CHECK(a.to_vector<float>() == b.to_vector<float>());
  // With values of 1 an element is the sum of a row of probabilities: 1 where nothing is dropped.
  const auto values = a.to_vector<double>();
  double mean_value = 0;
  bool differs = false;
  for (double x : values) {
    mean_value += x / static_cast<double>(values.size());
    differs = differs || std::abs(x - 1) > 0.01;
  }
  CHECK(differs);
  CHECK(std::abs(mean_value - 1) < 0.1);
  // The sum over all of v's gradient is that of the result, if the same elements were dropped.
  sum(a).backward();
  CHECK(sum(v.grad()).item() == doctest::Approx(sum(a).item()).epsilon(1e-4));
  for (double x : run(1).to_vector<double>()) CHECK(x == 0);
  CHECK_THROWS_WITH(run(1.5), Contains("dropout_p in [0, 1], got 1.5"));
}

TEST_CASE("attention says what does not fit") {
  const Tensor q = zeros({1, 4, 3, 8}), k = zeros({1, 2, 5, 8});
  const auto call = [](const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& mask = {},
                       bool causal = false, bool gqa = false) {
    return scaled_dot_product_attention(a, b, c, mask, 0, causal, {}, gqa);
  };
  CHECK(call(q, k, k, {}, false, true).sizes() == Dims({1, 4, 3, 8}));
  CHECK_THROWS_WITH(call(q, k, k), Contains("[scaled_dot_product_attention]"));
  CHECK_THROWS_WITH(call(zeros({1, 3, 3, 8}), k, k, {}, false, true),
                    Contains("a multiple of them"));
  CHECK_THROWS_WITH(call(q, q, zeros({1, 4, 4, 8})), Contains("v (..., S, Ev)"));
  CHECK_THROWS_WITH(call(q, q, to(q, kFloat64)), Contains("one floating dtype"));
  CHECK_THROWS_WITH(call(q, q, q, zeros({3, 3}), true), Contains("no attn_mask beside is_causal"));
  CHECK_THROWS_WITH(call(q, q, q, zeros({3, 4})), Contains("broadcast"));
  CHECK_THROWS_WITH(call(q, q, q, to(zeros({3, 3}), kInt64)),
                    Contains("attn_mask of bool or float32"));
}
