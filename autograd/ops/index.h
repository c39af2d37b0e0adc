// Advanced indexing, differentiable, with Python's and PyTorch's rules.
#pragma once

#include "autograd/index.h"
#include "core/scalar.h"

namespace iolaus {

/// x[indices]: index(x, {idx, Slice{}, NewAxis{}}). Numbers, slices and new axes alone give a view.
/// Tensors of indices (negative ones count from the end) broadcast against each other; where they
/// stand side by side their shape takes their place, else it comes first. A bool tensor selects
/// where it is true. Errors: kIndex, kInvalidArgument.
Tensor index(const Tensor& x, const Indices& indices);
/// x with x[indices] = values, or += where accumulate; values broadcast.
Tensor index_put(const Tensor& x, const Indices& indices, const Tensor& values,
                 bool accumulate = false);
/// In place. Returns x.
const Tensor& index_put_(const Tensor& x, const Indices& indices, const Tensor& values,
                         bool accumulate = false);
/// The elements where mask is true, in order; both broadcast. Waits for the device.
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// x with values, in order, where mask is true. Errors: kInvalidArgument for too few values.
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& values);
/// Where x is not 0: (count, rank), int64. Waits for the device.
Tensor nonzero(const Tensor& x);
/// The same as one vector for each dimension.
Tensors nonzero_tuple(const Tensor& x);
/// x with slices of dim set to a value, or copied from source.
Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, Scalar value);
Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);

namespace detail {
/// Positions (int64) where a flat bool mask is true. Waits for the device.
Tensor true_places(const Tensor& mask);
}  // namespace detail

}  // namespace iolaus
