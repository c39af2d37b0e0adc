// Counting and searching, with PyTorch's names; no gradients. Results are int64.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace iolaus {

struct Unique {
  Tensor values;   // sorted, each once
  Tensor inverse;  // of x's shape: where each element is in values
  Tensor counts;   // how often each appears
};
Unique unique(const Tensor& x);
/// The same of whole slices along dim, in the order of their elements; inverse has one entry a
/// slice.
Unique unique(const Tensor& x, int64_t dim);
/// Each slice of dim (of the flattened x without it) repeats[i] times, one after the other;
/// differentiable. Errors: kInvalidArgument for negative repeats.
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<int64_t> dim = {});
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
