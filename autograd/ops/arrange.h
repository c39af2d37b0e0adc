// More ops that move elements about, made of those of view.h and shape.h, with PyTorch's names.
// Views where PyTorch has views (tensor_split, diag of a matrix, broadcast_to); the others copy.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace iolaus {

/// Sections of almost equal size (the first ones are larger by one), or parts that end before each
/// of the indices.
Tensors tensor_split(const Tensor& x, int64_t sections, int64_t dim = 0);
Tensors tensor_split(const Tensor& x, const Dims& indices, int64_t dim = 0);
/// Tensors side by side, one below the other, one behind the other (axis 1, 0 and 2).
Tensors atleast(const Tensors& tensors, int64_t rank);
Tensor hstack(const Tensors& tensors);
Tensor vstack(const Tensors& tensors);
Tensor dstack(const Tensors& tensors);
/// A quarter turn k times, from the first of two dimensions towards the second.
Tensor rot90(const Tensor& x, int64_t k = 1, const Dims& dims = {0, 1});
/// All products a_i b_j, as blocks of b in the places of a.
Tensor kron(const Tensor& a, const Tensor& b);
/// Matrices along a diagonal, zeros elsewhere.
Tensor block_diag(const Tensors& tensors);
/// The diagonal of a matrix, or a matrix with the vector x on its diagonal.
Tensor diag(const Tensor& x, int64_t diagonal = 0);
/// x[i + 1] - x[i] along dim, n times, with prepend and append (which may be undefined) at the
/// ends; of bool: whether they differ.
Tensor diff(const Tensor& x, int64_t n = 1, int64_t dim = -1, const Tensor& prepend = {},
            const Tensor& append = {});
/// All tensors expanded to the shape they broadcast to.
Tensors broadcast_tensors(const Tensors& tensors);
/// Elements of the flattened x, in the shape of index; negative ones count from the end.
Tensor take(const Tensor& x, const Tensor& index);
/// x with source written over a slice, a range or a diagonal of it.
Tensor select_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t index);
Tensor slice_scatter(const Tensor& x, const Tensor& source, int64_t dim = 0,
                     std::optional<int64_t> start = {}, std::optional<int64_t> end = {},
                     int64_t step = 1);
Tensor diagonal_scatter(const Tensor& x, const Tensor& source, int64_t offset = 0, int64_t dim1 = 0,
                        int64_t dim2 = 1);

}  // namespace iolaus
