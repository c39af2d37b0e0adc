// Times ops of the table, one line of JSON each; tests/bench/ops_torch.py runs the same in PyTorch
// and prints the ratios.
//
//   bench_ops THREADS [OP...]   {"op": ..., "size": ..., "layout": ..., "us": ...}
//
// Inputs are float32: vectors of 1 to 10^7 elements, as (n), or as the transpose of (n / 8, 8) or
// (1, 1). Each time is the fastest of several runs of enough calls; no gradients are recorded.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/view.h"
#include "core/parallel.h"

using namespace iolaus;

namespace {

enum class Form { kUnary, kBinary, kDim, kIndex };
struct Case {
  const char* op;
  Form form = Form::kUnary;
};
const Case kCases[] = {{"neg"},
                       {"abs"},
                       {"exp"},
                       {"log"},
                       {"sqrt"},
                       {"sin"},
                       {"tanh"},
                       {"erf"},
                       {"sigmoid"},
                       {"relu"},
                       {"gelu"},
                       {"silu"},
                       {"clone"},
                       {"isnan"},
                       {"add", Form::kBinary},
                       {"mul", Form::kBinary},
                       {"div", Form::kBinary},
                       {"pow", Form::kBinary},
                       {"maximum", Form::kBinary},
                       {"lt", Form::kBinary},
                       {"atan2", Form::kBinary},
                       {"sum"},
                       {"mean"},
                       {"var"},
                       {"amax"},
                       {"norm"},
                       {"softmax", Form::kDim},
                       {"log_softmax", Form::kDim},
                       {"cumsum", Form::kDim},
                       {"sort", Form::kDim},
                       {"argmax", Form::kDim},
                       {"gather", Form::kIndex}};

// Microseconds of one call.
double time_of(const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [&](int64_t count) {
    const auto start = Clock::now();
    for (int64_t i = 0; i < count; ++i) call();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  call();
  int64_t count = 1;
  while (seconds(count) < 2e-3) count *= 2;
  double best = seconds(count);
  for (int i = 0; i < 6; ++i) best = std::min(best, seconds(count));
  return best / static_cast<double>(count) * 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  const std::vector<std::string> wanted(argv + std::min(argc, 2), argv + argc);
  const NoGrad no_grad;
  for (const Case& test : kCases) {
    if (!wanted.empty() && std::count(wanted.begin(), wanted.end(), test.op) == 0) continue;
    for (const int64_t n : {1, 1000, 100000, 10000000}) {
      if (n > 1000000 && std::string(test.op) == "sort") continue;
      for (const bool transposed : {false, true}) {
        const Dims rows = n == 1 ? Dims{1, 1} : Dims{n / 8, 8};
        const Tensor numbers = remainder(mul(arange(n, kFloat32), 0.618), 1.0) + 0.01;
        const Tensor x = transposed ? t(reshape(numbers, rows)) : numbers;
        std::vector<OpValue> arguments{x};
        if (test.form == Form::kBinary) arguments.emplace_back(clone(x));
        if (test.form == Form::kDim) arguments.emplace_back(int64_t{-1});
        if (test.form == Form::kIndex) {
          arguments.emplace_back(int64_t{-1});
          const Tensor index = remainder(mul(arange(n), 7919), x.size(-1));
          arguments.emplace_back(transposed ? t(reshape(index, rows)) : index);
        }
        const double us = time_of([&] { call_op(test.op, arguments); });
        fmt::print("{{\"op\": \"{}\", \"size\": {}, \"layout\": \"{}\", \"us\": {:.3f}}}\n",
                   test.op, n, transposed ? "transposed" : "contiguous", us);
      }
    }
  }
}
