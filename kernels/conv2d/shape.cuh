// What the handwritten CUDA variants of conv2d share: the shapes as kernels take them, and which
// element of the input a window element reads. Tensors may have any strides.
#pragma once

#include "kernels/conv2d/conv2d.h"
#include "kernels/gpu.h"

namespace iolaus::conv {

struct Strides4 {
  int64_t at[4];
};
inline Strides4 strides_of(const Tensor& t) {
  Strides4 s;
  for (int d = 0; d < 4; ++d) s.at[d] = t.strides()[static_cast<size_t>(d)];
  return s;
}

// What all three passes know; channels are those of one group.
struct Shape {
  int64_t groups, in_channels, in_height, in_width, out_channels, out_height, out_width;
  int64_t kernel_height, kernel_width, stride[2], padding[2], dilation[2];
};
inline Shape shape_of(const ConvShape& s, const Window2d& w) {
  return {s.groups,
          s.in_channels,
          s.in_height,
          s.in_width,
          s.out_channels,
          s.out_height,
          s.out_width,
          w.kernel[0],
          w.kernel[1],
          {w.stride[0], w.stride[1]},
          {w.padding[0], w.padding[1]},
          {w.dilation[0], w.dilation[1]}};
}

struct Triple {
  int64_t a, b, c;
};
// index in (?, b, c) row-major order, as (a, b, c).
__device__ __forceinline__ Triple split3(int64_t index, int64_t b, int64_t c) {
  const int64_t rest = gpu::fast_div(index, c), first = gpu::fast_div(rest, b);
  return {first, rest - first * b, index - rest * c};
}

// The element of x that window element (c, r, q) of output (n, h, w) reads; -1 in the padding.
__device__ __forceinline__ int64_t input_offset(const Shape& s, const Strides4& x, int64_t group,
                                                const Triple& window, const Triple& output) {
  const int64_t i = output.b * s.stride[0] + window.b * s.dilation[0] - s.padding[0];
  const int64_t j = output.c * s.stride[1] + window.c * s.dilation[1] - s.padding[1];
  if (i < 0 || i >= s.in_height || j < 0 || j >= s.in_width) return -1;
  return output.a * x.at[0] + (group * s.in_channels + window.a) * x.at[1] + i * x.at[2] +
         j * x.at[3];
}

template <class T> const T* pointer(const Tensor& t) {
  return t.defined() ? static_cast<const T*>(t.raw_data()) : nullptr;
}

}  // namespace iolaus::conv
