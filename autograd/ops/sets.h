// Counting and searching, with PyTorch's names; no gradients. Results are int64.
#pragma once

#include "core/tensor.h"

namespace iolaus {

struct Unique {
  Tensor values;   // sorted, each once
  Tensor inverse;  // of x's shape: where each element is in values
  Tensor counts;   // how often each appears
};
Unique unique(const Tensor& x);
/// How often each of 0, 1, ... appears in a vector of non-negative integers, or the sum of the
/// weights. Errors: kInvalidArgument.
Tensor bincount(const Tensor& x, const Tensor& weights = {}, int64_t minlength = 0);
/// A last dimension of num_classes with a 1 at x's class; -1: as many classes as x needs.
Tensor one_hot(const Tensor& x, int64_t num_classes = -1);
/// The place of each value in a sorted sequence (each row's own, where it has rows): the first that
/// keeps the order, or with right the last.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false,
                    bool out_int32 = false);

}  // namespace iolaus
