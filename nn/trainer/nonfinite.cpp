// Three operations of one element a batch.
#include "nn/trainer/nonfinite.h"

#include "autograd/grad_mode.h"
#include "autograd/ops.h"

namespace iolaus::nn {

void NonfiniteWatch::update(const Tensor& loss, int64_t number) {
  const NoGrad no_grad;
  const Tensor value = loss.detach();
  if (!first_.defined() || first_.device() != value.device()) {
    first_ = full({}, -1, {.dtype = kInt64, .device = value.device()});
  }
  const Tensor is_new = logical_and(lt(first_, 0), logical_not(isfinite(reshape(value, {}))));
  first_ = where(is_new, full({}, number, first_.options()), first_);
}

std::optional<int64_t> NonfiniteWatch::first() const {
  if (!first_.defined()) return std::nullopt;
  const auto number = first_.item<int64_t>();
  return number < 0 ? std::nullopt : std::optional(number);
}

}  // namespace iolaus::nn
