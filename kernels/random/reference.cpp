// The truth for random fills: the functions of core/philox.h, one element after the other.
#include "kernels/elementwise/domain.h"
#include "kernels/random/random_fill.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

double draw(const RandomFill& f, uint64_t i) {
  const bool wide = f.compute == kFloat64;
  switch (f.op) {
    case RandomOp::kUniform: {
      const double u =
          wide ? philox_uniform_double(f.key, i) : static_cast<double>(philox_uniform(f.key, i));
      return f.a + (f.b - f.a) * u;
    }
    case RandomOp::kNormal: {
      const double z =
          wide ? philox_normal_double(f.key, i) : static_cast<double>(philox_normal(f.key, i));
      return f.a + f.b * z;
    }
    default:
      return static_cast<double>(philox_uniform(f.key, i)) < f.a ? 1 : 0;
  }
}

void run(const RandomFill& f) {
  for (int64_t i = 0; i < f.numel; ++i) {
    const auto index = static_cast<uint64_t>(i);
    if (f.op == RandomOp::kRandint) {
      const uint64_t value = static_cast<uint64_t>(f.low) + philox_below(f.key, index, f.range);
      store_integer(f.out, f.element, i, static_cast<int64_t>(value));
    } else {
      store_real(f.out, f.element, i, draw(f, index));
    }
  }
}

const bool kUniform =
    random_kernels(RandomOp::kUniform).add({"reference", kCPU, dtypes_of(FloatTypes{}), run});
const bool kNormal =
    random_kernels(RandomOp::kNormal).add({"reference", kCPU, dtypes_of(FloatTypes{}), run});
const bool kBernoulli =
    random_kernels(RandomOp::kBernoulli).add({"reference", kCPU, dtypes_of(AllTypes{}), run});
const bool kRandint =
    random_kernels(RandomOp::kRandint).add({"reference", kCPU, dtypes_of(NumberTypes{}), run});

}  // namespace
}  // namespace iolaus
