// random fills: a contiguous tensor of numbers drawn under one Philox key (core/philox.h), element
// i of the row-major order always the same for the same key, on every device.
//
//   uniform    a + (b - a) u_i, u_i in [0, 1)     24 random bits, 53 for float64; never b, but for
//                                                 the rounding of a 16-bit type
//   normal     a + b z_i, z_i standard normal (Box-Muller)
//   bernoulli  u_i < a (24 bits) as 0 or 1
//   randint    in [a, b), exact for the whole range of int64
#pragma once

#include "core/random.h"
#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

enum class RandomOp { kUniform, kNormal, kBernoulli, kRandint };
inline constexpr int kRandomOpCount = 4;

struct RandomFill {
  RandomOp op = RandomOp::kUniform;
  int64_t numel = 0;
  void* out = nullptr;  // contiguous
  double a = 0, b = 1;
  int64_t low = 0;     // randint only: low, and the number of values
  uint64_t range = 1;  // high - low
  RandomKey key;
  DType element = kFloat32;
  DType compute = kFloat32;  // decides how many random bits are drawn
  Device target;
  std::vector<Tensor> keep;  // out; filled by samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  Cost cost() const;
  static constexpr const char* kSizes[] = {"numel"};
  std::array<int64_t, 1> named_sizes() const { return {numel}; }
  template <class V> void visit(V&& v) {
    if (!keep.empty()) v("out", keep[0], Role::kOut);
  }
  void prepare();
};

/// Arguments for filling a contiguous tensor (else kInvalidArgument).
RandomFill make_random(RandomOp op, const Tensor& out, double a, double b, RandomKey key);
RandomFill make_randint(const Tensor& out, int64_t low, int64_t high, RandomKey key);

/// One kernel set for each: "uniform", "normal", "bernoulli", "randint".
KernelSet<RandomFill>& random_kernels(RandomOp op);

}  // namespace iolaus
