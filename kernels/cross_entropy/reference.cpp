// The truth for cross_entropy and its backward pass: the formulas of the header, in double.
#include <cmath>
#include <limits>

#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/elementwise/domain.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

int64_t offset(const CrossEntropy& s, int64_t i, int64_t c) {
  return (i / s.inner * s.classes + c) * s.inner + i % s.inner;
}
double logit(const CrossEntropy& s, int64_t i, int64_t c) {
  return load_real(s.x, s.element, offset(s, i, c));
}

double log_sum_exp(const CrossEntropy& s, int64_t i) {
  if (s.log_probabilities) return 0;
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (int64_t c = 0; c < s.classes; ++c) largest = std::max(largest, logit(s, i, c));
  for (int64_t c = 0; c < s.classes; ++c) sum += std::exp(logit(s, i, c) - largest);
  return largest + std::log(sum);
}

double row_loss(const CrossEntropy& s, int64_t i, double lse) {
  const int64_t t = s.target[i];
  double smooth = 0;
  for (int64_t c = 0; c < s.classes; ++c) smooth += s.weight_of(c) * (lse - logit(s, i, c));
  const double loss = (1 - s.smoothing) * s.weight_of(t) * (lse - logit(s, i, t));
  return s.smoothing == 0 ? loss : loss + s.smoothing / static_cast<double>(s.classes) * smooth;
}

void forward(const CrossEntropy& s) {
  const DType stat = cross_entropy_stat_dtype(s.element);
  double sum = 0, total = 0;
  for (int64_t i = 0; i < s.rows * s.inner; ++i) {
    const int64_t t = s.target[i];
    const bool counts = t != s.ignore_index;
    if (counts && (t < 0 || t >= s.classes)) fail_bad_target(t, i, s.classes);
    const double lse = log_sum_exp(s, i);
    const double loss = counts ? row_loss(s, i, lse) : 0;
    store_real(s.lse, stat, i, lse);
    if (s.reduction_kind == Reduction::kNone) store_real(s.loss, s.element, i, loss);
    sum += loss;
    total += counts ? s.weight_of(t) : 0;
  }
  store_real(s.total_weight, stat, 0, total);
  if (s.reduction_kind == Reduction::kMean) store_real(s.loss, s.element, 0, sum / total);
  if (s.reduction_kind == Reduction::kSum) store_real(s.loss, s.element, 0, sum);
}

void backward(const CrossEntropy& s) {
  const DType stat = cross_entropy_stat_dtype(s.element);
  double all_weights = 0;
  for (int64_t c = 0; c < s.classes; ++c) all_weights += s.weight_of(c);
  const double smooth = s.smoothing / static_cast<double>(s.classes);
  for (int64_t i = 0; i < s.rows * s.inner; ++i) {
    const int64_t t = s.target[i];
    double h = load_real(s.g, s.element, s.reduction_kind == Reduction::kNone ? i : 0);
    if (s.reduction_kind == Reduction::kMean) h /= load_real(s.total_weight, stat, 0);
    for (int64_t c = 0; c < s.classes; ++c) {
      double dx = 0;
      if (t != s.ignore_index) {
        const double hit = (1 - s.smoothing) * s.weight_of(t);
        const double p =
            s.log_probabilities ? 0 : std::exp(logit(s, i, c) - load_real(s.lse, stat, i));
        dx = h * (p * (hit + smooth * all_weights) - (c == t ? hit : 0) - smooth * s.weight_of(c));
      }
      store_real(s.dx, s.element, offset(s, i, c), dx);
    }
  }
}

const bool kForward =
    cross_entropy_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), forward});
const bool kBackward =
    cross_entropy_backward_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), backward});

}  // namespace
}  // namespace iolaus
