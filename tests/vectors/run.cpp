// Running one case: arguments from JSON, the call, and the comparison at torch.testing's
// tolerances, by dtype.
#include <algorithm>
#include <cmath>

#include "autograd/engine.h"
#include "autograd/op_forms.h"
#include "autograd/op_json.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "tests/vectors/cases.h"

namespace iolaus::vectors {
namespace {

using Json = nlohmann::json;

struct Tolerance {
  double relative, absolute;
};
Tolerance tolerance(DType dtype) {
  if (dtype == kFloat16) return {1e-3, 1e-5};
  if (dtype == kBFloat16) return {1.6e-2, 1e-5};
  if (dtype == kFloat32) return {1.3e-6, 1e-5};
  if (dtype == kFloat64) return {1e-7, 1e-7};
  return {0, 0};
}

template <class T> std::string first_difference(const Tensor& actual, const Tensor& expected) {
  const auto a = actual.to_vector<T>(), e = expected.to_vector<T>();
  const Tolerance limit = tolerance(expected.dtype());
  for (size_t i = 0; i < e.size(); ++i) {
    if (a[i] == e[i]) continue;
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(a[i]) && std::isnan(e[i])) continue;
      if (std::abs(a[i] - e[i]) <= limit.absolute + limit.relative * std::abs(e[i]) &&
          std::isfinite(e[i])) {
        continue;
      }
    }
    return fmt::format("element {} is {}, PyTorch's {}", i, a[i], e[i]);
  }
  return "";
}

std::string compare(const char* what, size_t number, const Tensor& actual, const Tensor& expected) {
  const std::string name = fmt::format("{} {}", what, number);
  if (!actual.defined()) return name + " is not there";
  if (actual.dtype() != expected.dtype() || !(actual.sizes() == expected.sizes())) {
    return fmt::format("{} is {}{}, PyTorch's {}{}", name, dtype_name(actual.dtype()),
                       actual.sizes().str(), dtype_name(expected.dtype()), expected.sizes().str());
  }
  const std::string difference = is_floating(expected.dtype())
                                     ? first_difference<double>(actual, expected)
                                     : first_difference<int64_t>(actual, expected);
  return difference.empty() ? "" : name + ": " + difference;
}

// The gradient of output `number`; the same formula as in make.py.
Tensor output_gradient(const Tensor& out, size_t number) {
  std::vector<double> values(static_cast<size_t>(out.numel()));
  for (size_t i = 0; i < values.size(); ++i) {
    const uint64_t mixed = ((i + 1) * 2654435761u + number * 40503u) >> 7;
    values[i] = (static_cast<double>(mixed % 64) - 31.5) / 32;
  }
  return to(from_values(values, out.sizes()), out.dtype(), out.device());
}

// The arguments of a case; the tensors among them that want a gradient are collected.
class Arguments {
 public:
  Arguments(const Vectors& vectors, Device device) : vectors_(vectors), device_(device) {}

  OpValue value(const Json& json) {
    return value_from_json(json, [this](const Json& entry) { return tensor(entry); });
  }
  const Tensors& leaves() const { return leaves_; }

 private:
  Tensor tensor(const Json& entry) {
    const Tensor& stored = vectors_.tensors.at(entry["tensor"].get<size_t>());
    Tensor x;
    const bool strided = entry.contains("strides") && stored.numel() > 0;
    const Dims strides = strided ? Dims(entry["strides"].get<Ints>()) : stored.strides();
    const TensorOptions options{.dtype = stored.dtype(), .device = device_};
    const bool overlaps = std::find(strides.begin(), strides.end(), 0) != strides.end();
    x = strided && !overlaps ? empty_strided(stored.sizes(), strides, options)
                             : empty(stored.sizes(), options);
    copy_(x, stored);
    if (entry.value("grad", false)) {
      x.set_requires_grad();
      leaves_.push_back(x);
    }
    return x;
  }

  const Vectors& vectors_;
  Device device_;
  Tensors leaves_;
};

std::string check_gradients(const Vectors& vectors, const Json& test, const Tensors& outs,
                            const Tensors& leaves) {
  if (!test.contains("grads")) return "";
  Tensors from, gradients;
  for (size_t i = 0; i < outs.size(); ++i) {
    if (!is_floating(outs[i].dtype()) || !outs[i].requires_grad()) continue;
    from.push_back(outs[i]);
    gradients.push_back(output_gradient(outs[i].detach(), i));
  }
  // An undefined gradient is our way to say zero.
  const auto is_zero = [&](const Json& number) {
    return number.is_null() || !any(vectors.tensors.at(number.get<size_t>())).item<bool>();
  };
  if (from.empty()) {
    const bool zero = std::all_of(test["grads"].begin(), test["grads"].end(), is_zero);
    return zero ? "" : "no output has a gradient";
  }
  const Tensors grads = grad(from, leaves, gradients, {}, true);
  for (size_t i = 0; i < grads.size(); ++i) {
    const Json& number = test["grads"].at(i);
    if (number.is_null()) continue;
    if (!grads[i].defined() && is_zero(number)) continue;
    const Tensor& expected = vectors.tensors.at(number.get<size_t>());
    const std::string difference = compare("gradient", i, grads[i], expected);
    if (!difference.empty()) return difference;
  }
  return "";
}

std::string check_geometry(const Json& test, const Tensor& x) {
  const std::string actual =
      fmt::format("{} {} {}", x.sizes().str(), x.strides().str(), x.offset());
  const std::string expected =
      fmt::format("{} {} {}", Dims(test["size"].get<Ints>()).str(),
                  Dims(test["stride"].get<Ints>()).str(), test["offset"].get<int64_t>());
  return actual == expected ? "" : "geometry is " + actual + ", PyTorch's " + expected;
}

Tensors call(const Json& test, Arguments& arguments, bool in_place) {
  std::vector<OpValue> positional;
  for (const Json& json : test["args"]) positional.push_back(arguments.value(json));
  if (!test.contains("chain")) {
    NamedValues named;
    if (test.contains("kwargs")) {
      for (const Json& pair : test["kwargs"]) {  // [name, value]: in the order of the call
        named.emplace_back(pair[0].get<std::string>(), arguments.value(pair[1]));
      }
    }
    if (!in_place) return call_op(test["op"], positional, named);
    const Tensor x = clone(std::get<Tensor>(positional[0]));
    const void* memory = x.raw_data();
    positional[0] = x;
    const Tensors outs = call_op(test["op"].get<std::string>() + "_", positional, named);
    IOLAUS_CHECK(outs.size() == 1 && outs[0].is_same(x) && x.raw_data() == memory,
                 "the in-place form returned another tensor");
    return outs;
  }
  for (const Json& step : test["chain"]) {
    std::vector<OpValue> values{positional[0]};
    for (const Json& json : step["args"]) values.push_back(arguments.value(json));
    positional[0] = call_op(step["op"], values).at(0);
  }
  return {std::get<Tensor>(positional[0])};
}

// Singular vectors, and q with r, are right up to their signs, which every library chooses in its
// own way: here they become PyTorch's, by factors that gradients pass through.
void take_signs(const std::string& op, Tensors& outs, const Tensors& expected) {
  if (op != "svd" && op != "qr") return;
  for (size_t i = 0; i < outs.size(); ++i) {
    if (!(outs[i].sizes() == expected[i].sizes())) return;
  }
  // 1 or -1 for each vector along dim of two batches of vectors.
  const auto signs = [](const Tensor& x, const Tensor& y, int64_t dim) {
    const Tensor products = sum(mul(x.detach(), to(y, x.device())), {dim}, true);
    return sub(1, mul(to(lt(products, 0), x.dtype()), 2));
  };
  if (op == "qr") {
    const Tensor of_columns = signs(outs[0], expected[0], -2);
    outs[0] = mul(outs[0], of_columns);
    outs[1] = mul(outs[1], transpose(of_columns, -1, -2));
    return;
  }
  const int64_t k = outs[1].size(-1), n = outs[2].size(-2);
  const Tensor of_u = signs(outs[0], expected[0], -2), of_vh = signs(outs[2], expected[2], -1);
  outs[0] = mul(outs[0], of_u);
  // A pair turns together; what belongs to no singular value, by itself.
  const Tensor pairs = transpose(narrow(of_u, -1, 0, k), -1, -2);
  outs[2] = mul(outs[2], cat({pairs, narrow(of_vh, -2, k, n - k)}, -2));
}

// One run of a case whose results are compared with those in the case.
std::string run_once(const Vectors& vectors, const Json& test, Device device, bool in_place) {
  Arguments arguments(vectors, device);
  Tensors outs;
  try {
    outs = call(test, arguments, in_place);
    backend(device.type).synchronize(device);  // where errors in a device's data show
  } catch (const Error& error) {
    if (test.contains("error")) return "";
    return error.what();
  }
  if (test.contains("error"))
    return "no error, but PyTorch's is: " + test["error"].get<std::string>();
  const Json& numbers = test["out"];
  if (outs.size() != numbers.size()) {
    return fmt::format("{} outputs, PyTorch's {}", outs.size(), numbers.size());
  }
  Tensors all_expected;
  for (const Json& number : numbers) {
    all_expected.push_back(vectors.tensors.at(number.get<size_t>()));
  }
  take_signs(test["op"], outs, all_expected);
  for (size_t i = 0; i < outs.size(); ++i) {
    const std::string difference = compare("output", i, outs[i].detach(), all_expected[i]);
    if (!difference.empty()) return difference;
  }
  if (test.contains("chain")) return check_geometry(test, outs[0]);
  try {
    return check_gradients(vectors, test, outs, arguments.leaves());
  } catch (const Error& error) {
    return std::string("backward: ") + error.what();
  }
}

// Where PyTorch's own result is further than the tolerance from its one in float64, that one counts
// as well: a result nearer to the truth is no deviation.
std::string run_either(const Vectors& vectors, const Json& test, Device device, bool in_place) {
  const std::string problem = run_once(vectors, test, device, in_place);
  if (problem.empty() || !test.contains("float64")) return problem;
  Json exact = test;
  exact["out"] = test["float64"][0];
  if (test.contains("grads")) exact["grads"] = test["float64"][1];
  return run_once(vectors, exact, device, in_place).empty() ? "" : problem;
}

}  // namespace

std::string run_case(const Vectors& vectors, const Json& test, Device device) {
  return run_either(vectors, test, device, false);
}

bool fits_in_place(const Vectors& vectors, const Json& test) {
  if (test.contains("error") || test.contains("chain") || test["out"].size() != 1) return false;
  const OpForm* form = find_form(find_op(test["op"]).at(0).name);
  if (form == nullptr || form->name == nullptr || test["args"].empty()) return false;
  const Json& first = test["args"][0];
  if (!first.is_object() || !first.contains("tensor")) return false;
  const Tensor& x = vectors.tensors.at(first["tensor"].get<size_t>());
  const Tensor& out = vectors.tensors.at(test["out"][0].get<size_t>());
  return x.sizes() == out.sizes() && x.dtype() == out.dtype();
}

std::string run_case_in_place(const Vectors& vectors, const Json& test, Device device) {
  return run_either(vectors, test, device, true);
}

}  // namespace iolaus::vectors
