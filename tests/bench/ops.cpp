// Times calls of ops by name. tests/bench/ops_torch.py drives it, times the same calls in PyTorch
// by turns and prints the ratios.
//
//   bench_ops THREADS [DEVICE]      reads lines of JSON, answers each with one line
//     {"op": NAME, "tensors": [SPEC...], "args": [...], "named": {...}}   sets a call: calls a
//     sample
//     {}                                                                  times one: microseconds
//   A call that fails is answered with nan, and its error is printed on stderr.
//
// Arguments are those of `iolaus op` (autograd/op_json.h), {"tensor": i} is the i-th SPEC. A SPEC
// {"sizes": [...], "dtype": "float32", "transposed": false} holds the numbers (i * 0.618) mod 0.98
// + 0.01, plus "plus"; with "below": n it holds the integers (i * 7919) mod n; transposed, it is
// the transpose of a contiguous (columns, rows), and with "order" a contiguous one of the sizes,
// permuted. No gradients are recorded.
#include <fmt/core.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "autograd/grad_mode.h"
#include "autograd/op_json.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/view.h"
#include "core/device.h"
#include "core/error.h"
#include "core/parallel.h"

using namespace iolaus;
using Json = nlohmann::json;

namespace {

Tensor tensor_of(const Json& spec, Device device) {
  auto list = spec["sizes"].get<std::vector<int64_t>>();
  const bool transposed = spec.value("transposed", false);
  if (transposed) std::swap(list[0], list[1]);
  int64_t count = 1;
  for (int64_t size : list) count *= size;
  const Tensor flat =
      spec.contains("below")
          ? remainder(mul(arange(count, kInt64, device), 7919), spec["below"].get<int64_t>())
          : add(remainder(mul(arange(count, kFloat32, device), 0.618), 0.98),
                0.01 + spec.value("plus", 0.0));
  const DType dtype = parse_dtype(spec.value("dtype", std::string(dtype_name(flat.dtype()))));
  const Tensor shaped = reshape(to(flat, dtype), Dims(list.data(), list.size()));
  if (spec.contains("order")) {
    const auto order = spec["order"].get<std::vector<int64_t>>();
    return permute(shaped, Dims(order.data(), order.size()));
  }
  return transposed ? t(shaped) : shaped;
}

class Call {
 public:
  Call(const Json& json, Device device) : device_(device), op_(json["op"]) {
    Tensors tensors;
    for (const Json& spec : json["tensors"]) tensors.push_back(tensor_of(spec, device));
    const auto look_up = [&](const Json& at) { return tensors.at(at["tensor"].get<size_t>()); };
    for (const Json& value : json["args"]) positional_.push_back(value_from_json(value, look_up));
    for (const auto& [name, value] : json["named"].items()) {
      named_.emplace_back(name, value_from_json(value, look_up));
    }
    seconds();
    while (seconds() < 3e-3) count_ *= 2;
  }

  int64_t count() const { return count_; }
  double microseconds() { return seconds() / static_cast<double>(count_) * 1e6; }

 private:
  double seconds() {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    for (int64_t i = 0; i < count_; ++i) call_op(op_, positional_, named_);
    backend(device_.type).synchronize(device_);
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  Device device_;
  std::string op_;
  std::vector<OpValue> positional_;
  NamedValues named_;
  int64_t count_ = 1;
};

}  // namespace

int main(int argc, char** argv) {
  set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  const Device device = argc > 2 ? parse_device(argv[2]) : Device();
  const NoGrad no_grad;
  std::unique_ptr<Call> call;
  for (std::string line; std::getline(std::cin, line);) {
    const Json json = Json::parse(line);
    double answer = std::nan("");
    try {
      if (!json.empty()) call.reset();  // frees its tensors first
      if (!json.empty()) call = std::make_unique<Call>(json, device);
      answer = json.empty() ? call->microseconds() : static_cast<double>(call->count());
    } catch (const Error& e) {
      fmt::print(stderr, "{}: {}\n", line, e.what());
    }
    fmt::print("{}\n", answer);
    std::fflush(stdout);
  }
}
