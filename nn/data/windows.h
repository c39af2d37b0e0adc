// What crops, pads and flips are made of: a window onto each image of a batch, which may reach
// outside of it and may be mirrored. And rectangles that are filled. Both have a loop for the CPU
// and a form of tensor ops for other devices, with equal results.
#pragma once

#include <span>

#include "nn/data/transforms.h"

namespace iolaus::nn::data {

/// The place of one image's window, in its pixels; negative is outside.
struct Window {
  int64_t top = 0, left = 0;
  bool flip_rows = false, flip_columns = false;  // upside down, left to right
};

struct WindowShape {
  int64_t height = 0, width = 0;
  PadMode mode = PadMode::kConstant;  // what is outside
  double fill = 0;
};

/// images (B, C, H, W), B windows -> (B, C, height, width).
/// Errors: kInvalidArgument where an image has no pixel to take from.
Tensor take_windows(const Tensor& images, std::span<const Window> windows,
                    const WindowShape& shape);
/// The same with tensor ops, on any device.
Tensor take_windows_by_ops(const Tensor& images, std::span<const Window> windows,
                           const WindowShape& shape);

/// Rows [top, bottom) and columns [left, right).
struct Rectangle {
  int64_t top = 0, left = 0, bottom = 0, right = 0;
};

/// images (B, C, H, W) with one rectangle each filled; a copy.
Tensor fill_rectangles(const Tensor& images, std::span<const Rectangle> rectangles, double value);
Tensor fill_rectangles_by_ops(const Tensor& images, std::span<const Rectangle> rectangles,
                              double value);

}  // namespace iolaus::nn::data
