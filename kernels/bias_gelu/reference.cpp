// The truth for bias_gelu, in double.
#include <cmath>

#include "kernels/bias_gelu/bias_gelu.h"
#include "kernels/elementwise/domain.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

constexpr double kPi = 3.14159265358979323846;

double load(const Tensor& t, int64_t at) { return load_real(t.raw_data(), t.dtype(), at); }
void store(const Tensor& t, int64_t at, double value) {
  store_real(t.raw_data(), t.dtype(), at, value);
}

void forward(const BiasGelu& a) {
  const int64_t columns = a.bias.numel();
  for (int64_t e = 0; e < a.x.numel(); ++e) {
    const double z = load(a.x, e) + load(a.bias, e % columns);
    const double inner = std::sqrt(2 / kPi) * (z + 0.044715 * z * z * z);
    store(a.out, e,
          a.approximate ? z / 2 * (1 + std::tanh(inner)) : z / 2 * std::erfc(-z / std::sqrt(2.0)));
  }
}

double slope(double z, bool approximate) {
  if (!approximate) {
    return std::erfc(-z / std::sqrt(2.0)) / 2 + z * std::exp(-z * z / 2) / std::sqrt(2 * kPi);
  }
  const double k = std::sqrt(2 / kPi), t = std::tanh(k * (z + 0.044715 * z * z * z));
  return (1 + t) / 2 + z / 2 * (1 - t * t) * k * (1 + 3 * 0.044715 * z * z);
}

void backward(const BiasGeluBackward& a) {
  const int64_t columns = a.bias.numel();
  std::vector<double> sums(static_cast<size_t>(columns), 0.0);
  for (int64_t e = 0; e < a.x.numel(); ++e) {
    const double z = load(a.x, e) + load(a.bias, e % columns);
    const double dx = load(a.g, e) * slope(z, a.approximate);
    store(a.dx, e, dx);
    sums[static_cast<size_t>(e % columns)] += dx;
  }
  for (int64_t i = 0; a.dbias.defined() && i < columns; ++i) {
    store(a.dbias, i, sums[static_cast<size_t>(i)]);
  }
}

const bool kForward =
    bias_gelu_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), forward});
const bool kBackward =
    bias_gelu_backward_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), backward});

}  // namespace
}  // namespace iolaus
