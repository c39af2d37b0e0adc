// Means, and their names in configs.
#include "nn/metrics/mean.h"

#include "autograd/grad_mode.h"
#include "nn/metrics/target.h"

namespace iolaus::nn {
namespace {

using namespace metric_target;

const config::Register<MeanMetric, Metric> kMean{
    names("MeanMetric"), "weighted mean of values", {}, [](const Args&) {
      return std::make_shared<MeanMetric>();
    }};
const config::Register<MeanSquaredError, Metric> kSquared{
    names("MeanSquaredError"),
    "mean of (output - target)^2",
    {{"squared", P::kBool, "false: its root", true}},
    [](const Args& a) { return std::make_shared<MeanSquaredError>(a.get<bool>("squared")); }};
const config::Register<MeanAbsoluteError, Metric> kAbsolute{
    names("MeanAbsoluteError"), "mean of |output - target|", {}, [](const Args&) {
      return std::make_shared<MeanAbsoluteError>();
    }};

Tensor difference(const char* metric, const Tensor& output, const Tensor& target) {
  IOLAUS_CHECK(output.sizes() == target.sizes(),
               "[{}] expected output and target of one shape, got {} and {}", metric,
               output.sizes().str(), target.sizes().str());
  return sub(to(output.detach(), kFloat64), to(target.detach(), kFloat64));
}

}  // namespace

void MeanMetric::update(const Tensor& value, int64_t count) {
  const NoGrad no_grad;
  accumulate("sum", mul(to(value.detach(), kFloat64), count));
  accumulate("weight", count);
}

void MeanMetric::update(const Tensor& value, const Tensor& weight) {
  const NoGrad no_grad;
  const Tensor x = to(value.detach(), kFloat64);
  const Tensor w = expand(to(weight.detach(), kFloat64), x.sizes());
  accumulate("sum", sum(mul(x, w)));
  accumulate("weight", sum(w));
}

Tensor MeanMetric::value() const {
  const NoGrad no_grad;
  if (!has("sum")) return no_value();
  return div(state("sum"), to(state("weight"), kFloat64, state("sum").device()));
}

void MeanSquaredError::update(const Tensor& output, const Tensor& target) {
  const NoGrad no_grad;
  accumulate("sum", sum(square(difference("MeanSquaredError", output, target))));
  accumulate("count", output.numel());
}
Tensor MeanSquaredError::value() const {
  const NoGrad no_grad;
  if (!has("sum")) return no_value();
  const Tensor mean = div(state("sum"), state("count").item<double>());
  return squared_ ? mean : sqrt(mean);
}

void MeanAbsoluteError::update(const Tensor& output, const Tensor& target) {
  const NoGrad no_grad;
  accumulate("sum", sum(abs(difference("MeanAbsoluteError", output, target))));
  accumulate("count", output.numel());
}
Tensor MeanAbsoluteError::value() const {
  const NoGrad no_grad;
  return has("sum") ? div(state("sum"), state("count").item<double>()) : no_value();
}

}  // namespace iolaus::nn
