// Accumulation of metrics without synchronisation.
#include "nn/metrics.h"

#include <limits>

#include "autograd/grad_mode.h"

namespace iolaus::nn {

void Accuracy::update(const Tensor& output, const Tensor& target) {
  const NoGrad no_grad;
  IOLAUS_CHECK(output.dim() == 2 && target.dim() == 1 && output.size(0) == target.size(0),
               "[Accuracy] expected output (N, C) and target (N), got {} and {}",
               output.sizes().str(), target.sizes().str());
  const Tensor hits = sum(eq(argmax(output.detach(), 1), target));
  correct_ = correct_.defined() ? add(correct_, hits) : hits;
  count_ += target.numel();
}

double Accuracy::compute() const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(correct_.item<int64_t>()) / static_cast<double>(count_);
}

void MeanMetric::update(const Tensor& value, int64_t count) {
  const NoGrad no_grad;
  const Tensor weighted = mul(iolaus::to(value.detach(), kFloat64), count);
  sum_ = sum_.defined() ? add(sum_, weighted) : weighted;
  count_ += count;
}

double MeanMetric::compute() const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  return sum_.item<double>() / static_cast<double>(count_);
}

}  // namespace iolaus::nn
