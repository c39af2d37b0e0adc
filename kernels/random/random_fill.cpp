// Arguments and samples of random fills.
#include "kernels/random/random_fill.h"

#include <array>

#include "kernels/check.h"

namespace iolaus {
namespace {

constexpr const char* kNames[kRandomOpCount] = {"uniform", "normal", "bernoulli", "randint"};
const char* name_of(RandomOp op) { return kNames[static_cast<int>(op)]; }

RandomFill make_fill(RandomOp op, const Tensor& out, RandomKey key) {
  IOLAUS_CHECK(out.is_contiguous(), "[{}] expected a contiguous tensor, got {}", name_of(op),
               out.describe());
  RandomFill f;
  f.op = op;
  f.numel = out.numel();
  f.out = out.raw_data();
  f.key = key;
  f.element = f.compute = out.dtype();
  f.target = out.device();
  return f;
}

}  // namespace

RandomFill make_random(RandomOp op, const Tensor& out, double a, double b, RandomKey key) {
  RandomFill f = make_fill(op, out, key);
  f.a = a;
  f.b = b;
  return f;
}

RandomFill make_randint(const Tensor& out, int64_t low, int64_t high, RandomKey key) {
  IOLAUS_CHECK(low < high, "[randint] expected low < high, got {} and {}", low, high);
  RandomFill f = make_fill(RandomOp::kRandint, out, key);
  f.low = low;
  f.range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  return f;
}

std::string RandomFill::describe() const {
  return fmt::format("{} {} {} elements ({}, {}) on {}", name_of(op), dtype_name(compute), numel,
                     op == RandomOp::kRandint ? static_cast<double>(low) : a,
                     op == RandomOp::kRandint ? static_cast<double>(range) : b, target.str());
}

Cost RandomFill::cost() const {
  const double elements = static_cast<double>(numel);
  return {elements * 20, elements * static_cast<double>(item_size(compute))};
}

void RandomFill::prepare() {
  out = keep[0].raw_data();
  element = keep[0].dtype();
  numel = keep[0].numel();
  target = keep[0].device();
}

namespace {

template <RandomOp op> std::vector<RandomFill> random_samples(DType dtype) {
  std::vector<RandomFill> samples;
  uint64_t seed = 1;
  for (int64_t n : {0, 1, 2, 3, 5, 31, 32, 33, 1000, 70001}) {
    const Tensor out = empty({n}, {.dtype = dtype});
    const PhiloxKey key{7, ++seed};
    RandomFill f;
    if constexpr (op == RandomOp::kRandint) {
      f = make_randint(out, dtype == kUInt8 ? 0 : -5, 17, key);
    } else if constexpr (op == RandomOp::kBernoulli) {
      // Of half the samples the probability is their first number, which is not below it.
      const double first = uniform_float(philox_block(key, 0).word[0]);
      f = make_random(op, out, n % 2 == 0 ? 0.3 : first, 0, key);
    } else {
      f = make_random(op, out, n % 2 == 0 ? 0 : -0.5, n % 2 == 0 ? 1 : 0.5, key);
    }
    f.keep = {out};
    samples.push_back(std::move(f));
  }
  return samples;
}

template <int... ops> auto make_sets(std::integer_sequence<int, ops...>) {
  return new std::array<KernelSet<RandomFill>, kRandomOpCount>{
      {{"random", kNames[ops], random_samples<static_cast<RandomOp>(ops)>}...}};
}

}  // namespace

KernelSet<RandomFill>& random_kernels(RandomOp op) {
  static auto* sets = make_sets(std::make_integer_sequence<int, kRandomOpCount>{});
  return (*sets)[static_cast<size_t>(op)];
}

}  // namespace iolaus
