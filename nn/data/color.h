// Brightness, contrast, saturation and hue of images, as torchvision's adjust_ functions: uint8 in
// [0, 255] or float32 in [0, 1], one or three channels (then red, green, blue), and a factor for
// each image. Tensor ops alone, so on every device.
#pragma once

#include <span>

#include "core/tensor.h"

namespace iolaus::nn::data {

/// images (B, C, H, W) times their factors (B), each at least 0. 1 changes nothing, here and below.
Tensor adjust_brightness(const Tensor& images, std::span<const double> factors);
/// Between the mean of the grey image (0) and the image (1), or beyond.
Tensor adjust_contrast(const Tensor& images, std::span<const double> factors);
/// Between the grey image (0) and the image (1), or beyond; images of one channel stay.
Tensor adjust_saturation(const Tensor& images, std::span<const double> factors);
/// shifts in [-0.5, 0.5] move the hue around its circle, 0 changes nothing; images of one channel
/// stay.
Tensor adjust_hue(const Tensor& images, std::span<const double> shifts);

}  // namespace iolaus::nn::data
