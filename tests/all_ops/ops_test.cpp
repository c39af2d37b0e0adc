// Walks the registry of differentiable ops: gradients of first and second order in float64, and
// the same values in float32. An op without samples fails.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/grad_mode.h"
#include "autograd/gradcheck.h"
#include "autograd/op_registry.h"
#include "autograd/ops.h"

using namespace iolaus;

TEST_CASE("every op has samples") {
  CHECK(all_ops().size() > 40);
  for (const OpInfo* op : all_ops()) {
    CAPTURE(op->name);
    CHECK(!op->samples().empty());
  }
}

TEST_CASE("gradients of every op agree with differences") {
  for (const OpInfo* op : all_ops()) {
    for (const OpSample& sample : op->samples()) {
      INFO(op->name, ", ", sample.what);
      CHECK(gradcheck(sample.fn, sample.inputs) == "");
    }
  }
}

TEST_CASE("second gradients of every op agree with differences") {
  for (const OpInfo* op : all_ops()) {
    for (const OpSample& sample : op->samples()) {
      if (!sample.second_order) continue;
      INFO(op->name, ", ", sample.what);
      CHECK(gradgradcheck(sample.fn, sample.inputs) == "");
    }
  }
}

TEST_CASE("every op gives the same values and gradients in float32 as in float64") {
  const auto run = [](const OpSample& sample, DType dtype) {
    Tensors inputs;
    for (const Tensor& x : sample.inputs) {
      Tensor y = is_floating(x.dtype()) ? to(x, dtype).detach() : x;
      if (y.is_same(x)) y = x.detach();
      if (is_floating(x.dtype())) y.set_requires_grad();
      inputs.push_back(y);
    }
    const Tensor out = sample.fn(inputs);
    out.backward(ones_like(out.detach()));
    Tensors results{out};
    for (const Tensor& x : inputs) {
      if (x.requires_grad() && x.grad().defined()) results.push_back(x.grad());
    }
    return results;
  };
  for (const OpInfo* op : all_ops()) {
    for (const OpSample& sample : op->samples()) {
      INFO(op->name, ", ", sample.what);
      const Tensors expected = run(sample, kFloat64), actual = run(sample, kFloat32);
      REQUIRE(expected.size() == actual.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        const auto e = expected[i].to_vector<double>(), a = actual[i].to_vector<double>();
        REQUIRE(e.size() == a.size());
        double scale = 1, error = 0;
        for (size_t k = 0; k < e.size(); ++k) {
          scale = std::max(scale, std::abs(e[k]));
          error = std::max(error, std::abs(e[k] - a[k]));
        }
        CHECK(error <= 1e-5 * scale);
      }
    }
  }
}

TEST_CASE("every op gives the same gradients when an input is not contiguous") {
  for (const OpInfo* op : all_ops()) {
    for (const OpSample& sample : op->samples()) {
      if (sample.layout_matters) continue;
      INFO(op->name, ", ", sample.what);
      const auto run = [&](bool strided) {
        Tensors inputs;
        for (const Tensor& x : sample.inputs) {
          Dims padded = x.strides();
          for (int64_t& stride : padded) stride = stride * 2;
          Tensor y = strided ? empty_strided(x.sizes(), padded, x.options()) : empty_like(x);
          copy_(y, x);
          if (is_floating(y.dtype())) y.set_requires_grad();
          inputs.push_back(y);
        }
        const Tensor out = sample.fn(inputs);
        out.backward(ones_like(out.detach()));
        std::vector<double> all = out.to_vector<double>();
        for (const Tensor& x : inputs) {
          if (!x.requires_grad() || !x.grad().defined()) continue;
          for (double v : x.grad().to_vector<double>()) all.push_back(v);
        }
        return all;
      };
      const auto dense = run(false), strided = run(true);
      REQUIRE(dense.size() == strided.size());
      double error = 0;
      for (size_t i = 0; i < dense.size(); ++i) {
        error = std::max(error, std::abs(dense[i] - strided[i]) / (1 + std::abs(dense[i])));
      }
      CHECK(error <= 1e-12);
    }
  }
}

namespace {

// The result, the gradients of all inputs, and the gradients of their sum of squares (where the op
// has second ones), computed on a device.
std::vector<std::vector<double>> derivatives(const OpSample& sample, Device device) {
  Tensors inputs, wanted;
  for (const Tensor& x : sample.inputs) {
    Tensor y = empty_strided(x.sizes(), x.strides(), {.dtype = x.dtype(), .device = device});
    copy_(y, x);
    if (is_floating(y.dtype())) wanted.push_back(y.set_requires_grad());
    inputs.push_back(y);
  }
  const Tensor out = sample.fn(inputs);
  std::vector<std::vector<double>> all{out.to_vector<double>()};
  if (!out.requires_grad()) return all;
  const Tensor ones = ones_like(out.detach());
  const auto add_all = [&](const Tensors& tensors) {
    for (const Tensor& t : tensors) {
      all.push_back(t.defined() ? t.to_vector<double>() : std::vector<double>());
    }
  };
  const bool twice = sample.second_order;
  const Tensors first = grad({out}, wanted, {ones}, {.create_graph = twice}, true);
  add_all(first);
  Tensor squares;
  for (const Tensor& g : first) {
    if (!twice || !g.defined() || !g.requires_grad()) continue;
    squares = squares.defined() ? squares + sum(g * g) : sum(g * g);
  }
  if (squares.defined()) add_all(grad({squares}, wanted, {}, {}, true));
  return all;
}

}  // namespace

TEST_CASE("every op gives the same values and derivatives on CUDA as on the CPU") {
  if (!is_available(kCUDA)) {
    MESSAGE("skipped: no CUDA device");
    return;
  }
  int64_t compared = 0;
  for (const OpInfo* op : all_ops()) {
    for (const OpSample& sample : op->samples()) {
      INFO(op->name, ", ", sample.what);
      const auto expected = derivatives(sample, Device());
      std::vector<std::vector<double>> actual;
      try {
        actual = derivatives(sample, kCUDA);
      } catch (const Error& e) {
        if (e.code() != ErrorCode::kUnsupported) throw;
        MESSAGE("skipped: ", op->name, ", ", sample.what, ": ", std::string(e.what()));
        continue;
      }
      REQUIRE(expected.size() == actual.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        REQUIRE(expected[i].size() == actual[i].size());
        double error = 0;
        for (size_t k = 0; k < expected[i].size(); ++k) {
          error = std::max(
              error, std::abs(expected[i][k] - actual[i][k]) / (1 + std::abs(expected[i][k])));
        }
        CHECK(error <= 1e-11);
      }
      ++compared;
    }
  }
  MESSAGE(compared, " samples");
}
