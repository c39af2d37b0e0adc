// Copies, casts and fills, differentiable, with PyTorch's names.
#pragma once

#include "core/scalar.h"
#include "core/tensor.h"

namespace iolaus {

/// A copy with its own memory and x's layout.
Tensor clone(const Tensor& x);
/// x itself where it is contiguous in the format, else a copy that is.
Tensor contiguous(const Tensor& x, MemoryFormat format = MemoryFormat::kContiguous);
/// x in another dtype, on another device, or both; x itself where nothing changes.
Tensor to(const Tensor& x, DType dtype);
Tensor to(const Tensor& x, Device device, bool non_blocking = false);
/// non_blocking: between a device and pinned host memory the copy is only queued, and the program
/// goes on; a result on the host (pinned then) may be read only after the device was waited for.
Tensor to(const Tensor& x, DType dtype, Device device, bool non_blocking = false);
/// A copy in page-locked memory, or x itself where it lies there. CPU tensors only; it needs a
/// CUDA device.
Tensor pin_memory(const Tensor& x);
/// x[...] = src, broadcast and converted. Returns x. Errors: as in-place ops (see meta.h).
const Tensor& copy_(const Tensor& x, const Tensor& src);
const Tensor& fill_(const Tensor& x, Scalar value);
/// value: of one element and no dimensions.
const Tensor& fill_(const Tensor& x, const Tensor& value);
const Tensor& zero_(const Tensor& x);

/// New tensors of one value.
Tensor zeros(const Dims& sizes, const TensorOptions& options = {});
Tensor ones(const Dims& sizes, const TensorOptions& options = {});
Tensor full(const Dims& sizes, Scalar value, const TensorOptions& options = {});
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
Tensor full_like(const Tensor& x, Scalar value);
/// A 0-dim tensor of the value.
Tensor scalar_tensor(Scalar value, const TensorOptions& options = {});

}  // namespace iolaus
