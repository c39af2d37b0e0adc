// Collecting numbers on the device.
#include "nn/metrics/metric.h"

#include <limits>

#include "autograd/grad_mode.h"

namespace iolaus::nn {

void Metric::accumulate(const std::string& name, const Tensor& x) {
  const NoGrad no_grad;
  Tensor& s = state_[name];
  s = s.defined() ? add(to(s, x.device()), x) : x;
}

void Metric::accumulate(const std::string& name, int64_t x) {
  Tensor& s = state_[name];
  // A tensor of its own, so that what was handed out does not change.
  s = full({}, (s.defined() ? s.item<int64_t>() : 0) + x, {.dtype = kInt64});
}

void Metric::append(const std::string& name, const Tensor& x) {
  const NoGrad no_grad;
  Tensor& s = state_[name];
  s = s.defined() ? cat({to(s, x.device()), x}) : x;
}

Tensor no_value() {
  return full({}, std::numeric_limits<double>::quiet_NaN(), {.dtype = kFloat64});
}

Tensor safe_divide(const Tensor& a, const Tensor& b) {
  const Tensor x = to(a, kFloat64), y = to(b, kFloat64);
  const Tensor zero = eq(y, 0);
  return masked_fill(div(x, masked_fill(y, zero, 1)), zero, 0);
}

Tensor as_probabilities(const Tensor& x, bool softmax_of_rows) {
  const Tensor outside = any(logical_or(lt(x, 0), gt(x, 1)));
  return where(outside, softmax_of_rows ? softmax(x, 1) : sigmoid(x), x);
}

}  // namespace iolaus::nn
