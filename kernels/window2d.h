// Window2d: the sliding window that convolution and pooling share, by (height, width).
#pragma once

#include <cstdint>
#include <string>

namespace iolaus {

struct Window2d {
  int64_t kernel[2] = {1, 1};
  int64_t stride[2] = {1, 1};
  int64_t padding[2] = {0, 0};
  int64_t dilation[2] = {1, 1};

  /// How many input elements a window spans along dimension d (0: height, 1: width).
  int64_t span(int d) const { return dilation[d] * (kernel[d] - 1) + 1; }
  /// Number of windows along dimension d of an input of the given size; below 1 where the padded
  /// input is smaller than a window. With ceil_mode the last window may hang over the end, but it
  /// must start inside of the input or its left padding (as PyTorch defines).
  int64_t output(int d, int64_t size, bool ceil_mode = false) const {
    const int64_t room = size + 2 * padding[d] - span(d);
    if (room < 0 && !(ceil_mode && room + stride[d] > 0)) return 0;
    if (!ceil_mode) return room / stride[d] + 1;
    const int64_t count = (room + stride[d] - 1) / stride[d] + 1;
    return (count - 1) * stride[d] >= size + padding[d] ? count - 1 : count;
  }
  /// "kernel 3x3 stride 1x1 padding 0x0 dilation 1x1", for messages.
  std::string str() const;
};

}  // namespace iolaus
