// Ops that move elements about, differentiable, with PyTorch's names. Views where PyTorch has views
// (split, chunk, unbind, unflatten, movedim); the others copy.
#pragma once

#include <optional>
#include <string>

#include "core/scalar.h"
#include "core/tensor.h"

namespace iolaus {

/// Dimension dim becomes the given sizes, of which one may be -1.
Tensor unflatten(const Tensor& x, int64_t dim, const Dims& sizes);
/// dims[i] goes to place destination[i]; the others keep their order.
Tensor movedim(const Tensor& x, const Dims& source, const Dims& destination);
/// All slices along dim.
Tensors unbind(const Tensor& x, int64_t dim = 0);
/// Parts of size (the last may be smaller), or of the given sizes.
Tensors split(const Tensor& x, int64_t size, int64_t dim = 0);
Tensors split(const Tensor& x, const Dims& sizes, int64_t dim = 0);
/// At most chunks parts of equal size but for the last.
Tensors chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);
/// x repeats[i] times along dimension i; more repeats than dimensions add some in front.
Tensor repeat(const Tensor& x, const Dims& repeats);
/// The same where fewer repeats leave dimensions in front alone.
Tensor tile(const Tensor& x, const Dims& repeats);
/// Each element repeats times, one after the other; without dim of the flattened tensor.
Tensor repeat_interleave(const Tensor& x, int64_t repeats, std::optional<int64_t> dim = {});
/// Elements move by shifts[i] along dims[i] and come in again at the other end; without dims of the
/// flattened tensor.
Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims = {});
/// The order along dims reversed.
Tensor flip(const Tensor& x, const Dims& dims);
/// pad is (before, after) of the last dimension, then of the one before, ...; negative ones cut.
/// mode: "constant", "reflect", "replicate" or "circular".
Tensor pad(const Tensor& x, const Dims& pad, const std::string& mode = "constant",
           Scalar value = 0);
/// The elements on and below (above) the diagonal of the last two dimensions, else 0.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
/// A matrix (dim1, dim2 of the result) with x's last dimension on its diagonal.
Tensor diag_embed(const Tensor& x, int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1);
Tensors meshgrid(const Tensors& tensors, const std::string& indexing = "ij");

/// Windows of (N, C, H, W) as columns (N, C kh kw, L), and the sum of such columns where they came
/// from. torch.nn.functional.unfold and fold.
struct ColumnOptions {
  Dims dilation = {1, 1}, padding = {0, 0}, stride = {1, 1};
};
Tensor im2col(const Tensor& x, const Dims& kernel_size, const ColumnOptions& options = {});
Tensor col2im(const Tensor& columns, const Dims& output_size, const Dims& kernel_size,
              const ColumnOptions& options = {});

}  // namespace iolaus
