// What is done to all gradients between backward and step: clipping, and for training in float16
// the unscaling that looks for infinities. Multi-tensor kernels, and nothing waits for the device.
#pragma once

#include "core/tensor.h"

namespace iolaus::nn {

struct ClipOptions {
  double norm_type = 2;             // p of the norm: above 0, also infinity
  bool error_if_nonfinite = false;  // look at the norm first, which waits for the device
};

/// Scales all gradients by min(1, max_norm / (norm + 1e-6)), so that their total norm, as if they
/// were one vector, is at most max_norm. Returns the norm before, on the device. Gradients may be
/// of several dtypes and devices; without gradients it is 0. Errors: kInvalidArgument for a
/// norm_type that is not above 0, and where asked for a norm that is not finite.
Tensor clip_grad_norm_(const Tensors& params, double max_norm, const ClipOptions& options = {});

/// Limits each element of each gradient to [-clip_value, clip_value]; NaN stays.
/// Errors: kInvalidArgument for a negative clip_value.
void clip_grad_value_(const Tensors& params, double clip_value);

/// Multiplies all gradients by inverse_scale, and sets found_inf to 1 where one of them is not
/// finite; it is never set to 0. Both are one float32 number, on any device.
void unscale_(const Tensors& params, const Tensor& inverse_scale, const Tensor& found_inf);

}  // namespace iolaus::nn
