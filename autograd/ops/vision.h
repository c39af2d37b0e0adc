// Images in another size or place, differentiable, with the names of torch.nn.functional.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace iolaus {

struct InterpolateOptions {
  Dims size = {};                         // of the result's last dimensions, or
  std::vector<double> scale_factor = {};  // how much larger each becomes
  std::string mode = "nearest";           // nearest, nearest-exact, linear, bilinear, trilinear,
                                          // bicubic, area
  bool align_corners = false;             // corners of both images lie on each other
  bool recompute_scale_factor = false;    // the scale is that of the rounded sizes
};
/// x (N, C, ...) with one to three dimensions of another size. Errors: kInvalidArgument.
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);
/// x (N, C, H, W) at the places of grid (N, H', W', 2), or with one dimension more: coordinates
/// from -1 to 1, last dimension first. mode: bilinear, nearest, bicubic; padding_mode: zeros,
/// border, reflection. (Jaderberg et al. 2015)
Tensor grid_sample(const Tensor& x, const Tensor& grid, const std::string& mode = "bilinear",
                   const std::string& padding_mode = "zeros", bool align_corners = false);
/// (..., C r^2, H, W) to (..., C, H r, W r), and back.
Tensor pixel_shuffle(const Tensor& x, int64_t factor);
Tensor pixel_unshuffle(const Tensor& x, int64_t factor);

}  // namespace iolaus
