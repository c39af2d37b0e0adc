// New tensors: ranges and matrices of a fixed form, with PyTorch's names. Fills are in copy.h,
// random ones in random.h.
#pragma once

#include <optional>

#include "core/scalar.h"
#include "core/tensor.h"

namespace iolaus {

/// start, start + step, ... before end. dtype: int64 where all are integers, else float32.
/// Errors: kInvalidArgument for a step of 0 or in the wrong direction.
Tensor arange(Scalar start, Scalar end, Scalar step = 1, std::optional<DType> dtype = {},
              Device device = {});
/// 0 to n - 1.
Tensor arange(int64_t n, DType dtype = kInt64, Device device = {});
/// steps numbers from start to end, both included, evenly spaced.
Tensor linspace(double start, double end, int64_t steps, const TensorOptions& options = {});
/// Ones on the diagonal of an n x m matrix.
Tensor eye(int64_t n, std::optional<int64_t> m = {}, const TensorOptions& options = {});

}  // namespace iolaus
