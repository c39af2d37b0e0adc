// copy and fill: values from one tensor to another of the same (or broadcastable) shape, across
// strides, dtypes and devices, and one number into all elements. Conversions are those of a C++
// cast; float to bool asks for != 0.
#pragma once

#include "core/scalar.h"
#include "core/tensor.h"
#include "kernels/elementwise/pointwise.h"

namespace iolaus {

/// Converting copy within a device: out = Out(in). Chosen by the input's dtype.
KernelSet<Pointwise>& copy_kernels();

/// dst = src, broadcast to dst's shape. Between devices the copy waits for the source's stream.
/// Errors: kInvalidArgument where the shapes do not fit. No gradients; bumps no version.
/// non_blocking: a copy between a device and pinned host memory is only queued; who reads the
/// host's side waits for the device first. Elsewhere, and where the host has to convert or to
/// rearrange what comes, it has no effect.
void copy(const Tensor& src, const Tensor& dst, bool non_blocking = false);
/// dst[...] = value, converted to dst's dtype.
void fill(const Tensor& dst, Scalar value);
/// A row-major contiguous copy, or x itself where it is contiguous already.
Tensor make_contiguous(const Tensor& x);
/// A new tensor with x's values in another dtype and on another device (dense layout kept).
Tensor convert(const Tensor& x, DType dtype, Device device);

}  // namespace iolaus
