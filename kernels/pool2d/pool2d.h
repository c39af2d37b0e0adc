// pool2d: maximum and average over windows of each plane, and average over a grid of windows that
// cover the plane (adaptive). Planes are x's leading dimensions: (N, C, H, W) or (C, H, W).
//   max_pool2d:          out = max over the window's elements inside of the input (NaN wins);
//                        indices = i * W + j of the first such element
//   max_pool2d_backward: dx[indices[o]] += g[o];   max_pool2d_gather: out[o] = x[indices[o]]
//   avg_pool2d:          out = sum over the window / divisor;   its backward spreads g / divisor
//   adaptive_avg_pool2d: window o of O covers [floor(o H / O), ceil((o + 1) H / O))
// Each backward is the transpose of a linear forward, so second derivatives use the same kernels.
#pragma once

#include "kernels/kernel_set.h"
#include "kernels/window2d.h"

namespace iolaus {

/// What the pooling kernels know of the shapes. Tensors are contiguous (see why_not_planes).
struct PoolShape {
  int64_t planes, in_height, in_width, out_height, out_width;
  std::array<int64_t, 5> list() const {
    return {planes, in_height, in_width, out_height, out_width};
  }
};
/// What rules and the tune cache know of a pooling, in the order of PoolShape::list.
inline constexpr const char* kPoolSizes[] = {"planes", "in_height", "in_width", "out_height",
                                             "out_width"};
/// The shape of pooling between an input-sized and an output-sized tensor of rank 3 or 4.
PoolShape pool_shape(const Tensor& input, const Tensor& output);

/// x (..., H, W) -> out (..., Ho, Wo), indices (..., Ho, Wo) int32 into the plane.
/// The plane has fewer than 2^31 elements and the padding is at most half of the window.
struct MaxPool2d {
  Tensor x, out, indices;
  Window2d window;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  static constexpr auto& kSizes = kPoolSizes;
  std::array<int64_t, 5> named_sizes() const { return pool_shape(x, out).list(); }
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("out", out, Role::kOut), v("indices", indices, Role::kOut);
  }
};

/// g (..., Ho, Wo), indices (..., Ho, Wo) int32 -> dx (..., H, W). Overlapping windows add up.
struct MaxPool2dBackward {
  Tensor g, indices, dx;

  DType dtype() const { return g.dtype(); }
  Device device() const { return g.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return 16; }
  static constexpr auto& kSizes = kPoolSizes;
  std::array<int64_t, 5> named_sizes() const { return pool_shape(dx, g).list(); }
  template <class V> void visit(V&& v) {
    v("g", g, Role::kIn), v("indices", indices, Role::kIn), v("dx", dx, Role::kOut);
  }
};

/// x (..., H, W), indices (..., Ho, Wo) int32 -> out (..., Ho, Wo): the transpose of the backward.
struct MaxPool2dGather {
  Tensor x, indices, out;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  static constexpr auto& kSizes = kPoolSizes;
  std::array<int64_t, 5> named_sizes() const { return pool_shape(x, out).list(); }
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("indices", indices, Role::kIn), v("out", out, Role::kOut);
  }
};

/// What average pooling divides by, and where its windows lie. dilation is 1.
struct AveragePooling {
  Window2d window;
  bool adaptive = false;          // windows cover the plane; window is not used
  bool count_include_pad = true;  // padding counts as elements of value 0
  int64_t divisor_override = 0;   // 0: the number of elements

  struct Range {
    int64_t begin, end, count;  // elements [begin, end) of the input; count with padding
  };
  /// Window o of `outputs` along dimension d of an input of the given size.
  IOLAUS_HD Range range(int d, int64_t o, int64_t size, int64_t outputs) const {
    if (adaptive) {
      const int64_t begin = o * size / outputs, end = ((o + 1) * size + outputs - 1) / outputs;
      return {begin, end, end - begin};
    }
    const int64_t first = o * window.stride[d] - window.padding[d];
    const int64_t padded_end = first + window.kernel[d];
    const int64_t limit = size + window.padding[d];
    const int64_t begin = first < 0 ? 0 : first;
    const int64_t end = padded_end < size ? padded_end : size;
    return {begin, end, (padded_end < limit ? padded_end : limit) - first};
  }
  IOLAUS_HD int64_t divisor(const Range& rows, const Range& columns) const {
    if (divisor_override != 0) return divisor_override;
    if (count_include_pad && !adaptive) return rows.count * columns.count;
    return (rows.end - rows.begin) * (columns.end - columns.begin);
  }
  std::string str() const;
};

/// x (..., H, W) -> out (..., Ho, Wo).
struct AvgPool2d {
  Tensor x, out;
  AveragePooling pooling;

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const;
  static constexpr auto& kSizes = kPoolSizes;
  std::array<int64_t, 5> named_sizes() const { return pool_shape(x, out).list(); }
  template <class V> void visit(V&& v) { v("x", x, Role::kIn), v("out", out, Role::kOut); }
};

/// g (..., Ho, Wo) -> dx (..., H, W).
struct AvgPool2dBackward {
  Tensor g, dx;
  AveragePooling pooling;

  DType dtype() const { return g.dtype(); }
  Device device() const { return g.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const;
  static constexpr auto& kSizes = kPoolSizes;
  std::array<int64_t, 5> named_sizes() const { return pool_shape(dx, g).list(); }
  template <class V> void visit(V&& v) { v("g", g, Role::kIn), v("dx", dx, Role::kOut); }
};

/// All tensors are contiguous; sizes have been checked by the differentiable op.
KernelSet<MaxPool2d>& max_pool2d_kernels();
KernelSet<MaxPool2dBackward>& max_pool2d_backward_kernels();
KernelSet<MaxPool2dGather>& max_pool2d_gather_kernels();
KernelSet<AvgPool2d>& avg_pool2d_kernels();  // adaptive too
KernelSet<AvgPool2dBackward>& avg_pool2d_backward_kernels();

}  // namespace iolaus
