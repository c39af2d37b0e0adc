// Rotated images, as torchvision's rotate: each pixel of the result is taken from where the
// rotation brings it from, through grid_sample; quarter turns move pixels as they are. Tensor ops
// alone, so on every device.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "nn/data/transforms.h"

namespace iolaus::nn::data {

/// images (B, C, H, W), uint8 or float32, each rotated by its angle in degrees, anticlockwise ->
/// (B, C, H, W), or with expand the height and width that hold the rotated image.
/// Errors: kInvalidArgument where expand gives images of one batch different sizes, and for as many
/// fill values as there are no channels.
Tensor rotate_images(const Tensor& images, std::span<const double> angles,
                     const RotationOptions& options = {});

}  // namespace iolaus::nn::data
