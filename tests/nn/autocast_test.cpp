// Mixed precision against PyTorch (tests/data/nn/autocast.py): dtypes op by op, the scales of
// GradScaler; gradients through casts that are kept; training in bfloat16.
#include "autograd/autocast.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "autograd/grad_mode.h"
#include "autograd/op_table.h"
#include "autograd/ops.h"
#include "nn/layers/linear.h"
#include "nn/optim/grad_scaler.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;
using nlohmann::json;

namespace {

const json& data() {
  static const json all = [] {
    std::ifstream file(std::string(IOLAUS_SOURCE_DIR) + "/tests/data/nn/autocast.json");
    return json::parse(file);
  }();
  return all;
}

OpValue value_of(const json& j) {
  if (j.is_number_integer()) return j.get<int64_t>();
  if (j.is_string()) return j.get<std::string>();
  return j.get<Ints>();
}

// The dtype that an op gives: its first input in one dtype, the others in another.
std::string result(const json& test, DType first, DType others) {
  std::vector<OpValue> inputs;
  for (const json& shape : test["shapes"]) {
    if (shape.is_number()) {
      inputs.emplace_back(remainder(arange(3), shape.get<int64_t>()));
    } else {
      const DType dtype = inputs.empty() ? first : others;
      inputs.emplace_back(to(full(Dims(shape.get<Ints>()), 0.5), dtype));
    }
  }
  if (test["op"] == "cat" || test["op"] == "stack") {
    Tensors list;
    for (const OpValue& v : inputs) list.push_back(std::get<Tensor>(v));
    inputs = {list};
  }
  NamedValues named;
  for (const auto& [name, value] : test["named"].items()) named.emplace_back(name, value_of(value));
  return dtype_name(call_op(test["op"], inputs, named)[0].dtype());
}

}  // namespace

TEST_CASE("ops have the dtypes that PyTorch's autocast gives on the CPU") {
  for (const json& test : data()["cases"]) {
    CAPTURE(test.dump());
    const Autocast guard(kCPU, kBFloat16);
    CHECK(result(test, kFloat32, kFloat32) == test["outputs"][0]);
    CHECK(result(test, kBFloat16, kBFloat16) == test["outputs"][1]);
    CHECK(result(test, kBFloat16, kFloat32) == test["outputs"][2]);
  }
}

TEST_CASE("autocast leaves doubles, integers and other devices alone, and ends with its scope") {
  const Tensor x = ones({2, 2}), y = ones({2, 2}, {.dtype = kFloat64});
  {
    const Autocast cuda(kCUDA);
    CHECK(mm(x, x).dtype() == kFloat32);
    const Autocast guard(kCPU);
    CHECK(mm(x, x).dtype() == kBFloat16);
    CHECK(mm(y, y).dtype() == kFloat64);
    {
      const Autocast off(kCPU, {}, false);
      CHECK(mm(x, x).dtype() == kFloat32);
      const Autocast half(kCPU, kFloat16);
      CHECK(mm(x, x).dtype() == kFloat16);
    }
    CHECK(mm(x, x).dtype() == kBFloat16);
    const NoAutocast none;
    CHECK(mm(x, x).dtype() == kFloat32);
  }
  CHECK(mm(x, x).dtype() == kFloat32);
  CHECK_FALSE(autocast::on());
  CHECK_THROWS_WITH(Autocast(kCPU, kFloat64), Contains("[autocast] expected bfloat16 or float16"));
}

TEST_CASE("gradients through autocast reach every parameter in its own dtype") {
  const Tensor w = from_values<float>({1, 2, 3, 4}, {2, 2}).set_requires_grad();
  const Tensor x = from_values<float>({1, 0.5, -1, 2}, {2, 2});
  for (bool cache : {true, false}) {
    const Autocast guard(kCPU, kBFloat16, true, cache);
    // Used twice, in two backwards under one guard: the gradient of sum(x w) + sum(w x).
    for (int round = 0; round < 2; ++round) {
      w.set_grad({});
      (sum(to(mm(x, w), kFloat32)) + sum(to(mm(w, x), kFloat32))).backward();
      CHECK(w.grad().dtype() == kFloat32);
      CHECK(w.grad().to_vector<float>() == std::vector<float>{1.5, 1, 4, 3.5});
    }
  }
}

TEST_CASE("a cast that is kept follows its parameter and the mode of gradients") {
  const Tensor w = ones({2, 2}).set_requires_grad(), x = ones({2, 2});
  const Autocast guard(kCPU);
  {
    const NoGrad no_grad;
    CHECK_FALSE(mm(x, w).requires_grad());
  }
  CHECK(mm(x, w).requires_grad());
  {
    const NoGrad no_grad;
    fill_(w, 3);
  }
  CHECK(mm(x, w).to_vector<float>() == std::vector<float>{6, 6, 6, 6});
}

TEST_CASE("training under autocast ends near the loss of float32") {
  const auto train = [](bool low) {
    const Tensor x = reshape(sin(arange(64 * 8, kFloat32) * 0.37), {64, 8});
    const Tensor y = to(gt(sum(x, {1}), 0), kInt64);
    const auto weight = [](int64_t rows, int64_t columns) {
      const Tensor w = cos(arange(rows * columns, kFloat32) * 1.7) * 0.4;
      return reshape(w, {rows, columns}).set_requires_grad();
    };
    const Tensor a = weight(16, 8), b = weight(2, 16);
    SGD optimizer(one_group({a, b}), {{"lr", 0.2}, {"momentum", 0.9}});
    double loss = 0;
    DType hidden = kFloat32;
    for (int step = 0; step < 60; ++step) {
      const Autocast guard(kCPU, kBFloat16, low);
      optimizer.zero_grad();
      const Tensor h = linear(x, a);
      hidden = h.dtype();
      const Tensor l = cross_entropy(linear(relu(h), b), y);
      CHECK(l.dtype() == kFloat32);
      l.backward();
      optimizer.step();
      loss = l.item<double>();
    }
    CHECK(hidden == (low ? kBFloat16 : kFloat32));
    return loss;
  };
  const double full = train(false), low = train(true);
  CHECK(full < 0.2);
  CHECK(std::abs(low - full) < 0.02);
}

TEST_CASE("scales are those of torch.amp.GradScaler") {
  for (const json& test : data()["scalers"]) {
    CAPTURE(test["options"].dump());
    const json& o = test["options"];
    GradScalerOptions options;
    options.init_scale = o.value("init_scale", options.init_scale);
    options.growth_factor = o.value("growth_factor", options.growth_factor);
    options.backoff_factor = o.value("backoff_factor", options.backoff_factor);
    options.growth_interval = o.value("growth_interval", options.growth_interval);
    GradScaler scaler(options);
    const Tensor p = ones({2}).set_requires_grad();
    SGD optimizer(one_group({p}), {{"lr", 1}});
    for (size_t t = 0; t < test["infinities"].size(); ++t) {
      // In the middle the scaler is replaced by one that is loaded.
      if (t == 3) {
        GradScaler next(options);
        next.load_state_dict(json::parse(scaler.state_dict().dump()));
        scaler = next;
      }
      const bool bad = test["infinities"][t];
      optimizer.zero_grad();
      scaler.scale(sum(p * (bad ? std::numeric_limits<double>::infinity() : 0.25))).backward();
      CHECK(scaler.step(optimizer) != bad);
      scaler.update();
      CHECK(scaler.get_scale() == test["scales"][t].get<double>());
      CHECK(p.to_vector<float>()[0] == test["values"][t].get<float>());
    }
    CHECK(scaler.state_dict()["_growth_tracker"] == test["tracker"]);
  }
}

TEST_CASE("GradScaler says what is out of order, and does nothing where it is disabled") {
  const Tensor p = ones({2}).set_requires_grad();
  SGD optimizer(one_group({p}), {{"lr", 1}});
  GradScaler scaler;
  CHECK_THROWS_WITH(scaler.update(), Contains("update needs a step"));
  CHECK_THROWS_WITH(scaler.step(optimizer), Contains("has a gradient"));
  scaler.update(128.0);
  p.set_grad(full({2}, 256.0));
  scaler.unscale_(optimizer);
  CHECK(p.grad().to_vector<float>() == std::vector<float>{2, 2});
  CHECK_THROWS_WITH(scaler.unscale_(optimizer), Contains("unscale_ was called"));
  CHECK(scaler.step(optimizer));
  CHECK(p.to_vector<float>() == std::vector<float>{-1, -1});
  CHECK_THROWS_WITH(scaler.step(optimizer), Contains("step was called"));
  CHECK_THROWS_WITH(GradScaler({.growth_factor = 1}), Contains("[GradScaler] expected"));
  CHECK_THROWS_WITH(scaler.load_state_dict(json::object()), Contains("cannot read the state"));
  const Tensor q = to(ones({1}), kFloat16).set_requires_grad();
  q.set_grad(ones_like(q.detach()));
  SGD half(one_group({q}), {{"lr", 1}});
  CHECK_THROWS_WITH(scaler.unscale_(half), Contains("float16"));
  GradScaler off({.enabled = false});
  CHECK(off.scale(p).is_same(p));
  CHECK(off.get_scale() == 1);
  CHECK(off.step(optimizer));
  off.update();
  CHECK(off.state_dict().empty());
}
