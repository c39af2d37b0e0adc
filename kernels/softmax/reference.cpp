// The truth for softmax and its backward pass, in double.
#include <cmath>
#include <limits>

#include "kernels/elementwise/domain.h"
#include "kernels/reference_io.h"
#include "kernels/softmax/softmax.h"

namespace iolaus {
namespace {

// Calls fn(offset of element 0, stride) for every row.
template <class Fn> void for_each_row(const Softmax& s, Fn&& fn) {
  for (int64_t o = 0; o < s.outer; ++o) {
    for (int64_t i = 0; i < s.inner; ++i) fn(o * s.n * s.inner + i, s.inner);
  }
}

void forward(const Softmax& s) {
  for_each_row(s, [&](int64_t base, int64_t stride) {
    const auto x = [&](int64_t j) { return load_real(s.x, s.element, base + j * stride); };
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int64_t j = 0; j < s.n; ++j) largest = std::max(largest, x(j));
    for (int64_t j = 0; j < s.n; ++j) sum += std::exp(x(j) - largest);
    for (int64_t j = 0; j < s.n; ++j) {
      const double shifted = x(j) - largest;
      store_real(s.out, s.element, base + j * stride,
                 s.log ? shifted - std::log(sum) : std::exp(shifted) / sum);
    }
  });
}

void backward(const Softmax& s) {
  for_each_row(s, [&](int64_t base, int64_t stride) {
    const auto y = [&](int64_t j) { return load_real(s.x, s.element, base + j * stride); };
    const auto g = [&](int64_t j) { return load_real(s.g, s.element, base + j * stride); };
    double sum = 0;
    for (int64_t j = 0; j < s.n; ++j) sum += s.log ? g(j) : g(j) * y(j);
    for (int64_t j = 0; j < s.n; ++j) {
      store_real(s.out, s.element, base + j * stride,
                 s.log ? g(j) - std::exp(y(j)) * sum : y(j) * (g(j) - sum));
    }
  });
}

const bool kForward = softmax_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), forward});
const bool kBackward =
    softmax_backward_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), backward});

}  // namespace
}  // namespace iolaus
