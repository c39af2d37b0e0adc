// Cases that PyTorch computed (tests/data/autograd/*.py): inputs, results and gradients in float64.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "autograd/ops.h"

namespace iolaus::test {

using Fn = std::function<Tensor(const Tensors&)>;

inline std::vector<double> values_of(const nlohmann::json& packed) {
  std::vector<double> values;
  for (const auto& v : packed["values"]) {
    values.push_back(v.is_null()      ? std::nan("")
                     : v.is_boolean() ? static_cast<double>(v.get<bool>())
                                      : v.get<double>());
  }
  return values;
}

inline Tensor unpack(const nlohmann::json& packed) {
  const Dims sizes = packed["shape"].get<std::vector<int64_t>>();
  const DType dtype = parse_dtype(packed["dtype"].get<std::string>());
  return to(from_values(values_of(packed), sizes), dtype);
}

inline void compare(const Tensor& actual, const nlohmann::json& expected) {
  CHECK(actual.sizes() == Dims(expected["shape"].get<std::vector<int64_t>>()));
  CHECK(dtype_name(actual.dtype()) == expected["dtype"].get<std::string>());
  const auto a = actual.to_vector<double>(), e = values_of(expected);
  REQUIRE(a.size() == e.size());
  for (size_t i = 0; i < e.size(); ++i) {
    if (std::isnan(e[i])) {
      CHECK(std::isnan(a[i]));
    } else {
      CHECK(std::abs(a[i] - e[i]) <= 1e-12 * std::max(1.0, std::abs(e[i])));
    }
  }
}

/// 1, 2, 3, ... in the shape of a tensor.
inline Tensor ramp(const Tensor& like) {
  std::vector<double> values(static_cast<size_t>(like.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i + 1);
  return from_values(values, like.sizes());
}

/// Every case of a file below tests/data through the function of its name.
inline void run_cases(const std::string& path, const std::map<std::string, Fn>& functions) {
  std::ifstream file(std::string(IOLAUS_SOURCE_DIR) + "/tests/data/" + path);
  REQUIRE(file.good());
  const nlohmann::json data = nlohmann::json::parse(file);
  for (const auto& test : data["cases"]) {
    const std::string name = test["name"];
    CAPTURE(name);
    CAPTURE(test["inputs"][0]["shape"].dump());
    Tensors inputs;
    for (const auto& packed : test["inputs"]) {
      inputs.push_back(unpack(packed));
      if (is_floating(inputs.back().dtype())) inputs.back().set_requires_grad();
    }
    const Tensor out = functions.at(name)(inputs);
    compare(out.detach(), test["out"]);
    if (test["grads"].empty()) continue;
    out.backward(ramp(out.detach()));
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!test["grads"][i].is_null()) compare(inputs[i].grad(), test["grads"][i]);
    }
  }
}

}  // namespace iolaus::test
