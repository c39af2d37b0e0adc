// The grid of places, and what is taken from them. The formulas and their precision are those of
// torchvision/transforms/v2/functional/_geometry.py (0.29).
#include "nn/data/rotation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "autograd/ops.h"
#include "autograd/ops/arrange.h"
#include "autograd/ops/vision.h"
#include "core/error.h"

namespace iolaus::nn::data {
namespace {

struct Size {
  int64_t height = 0, width = 0;
  bool operator==(const Size&) const = default;
};

double positive_degrees(double angle) {
  const double rest = std::fmod(angle, 360.0);
  return rest < 0 ? rest + 360.0 : rest;
}

// Quarter turns that move whole pixels; -1: none.
int quarter_turns(double degrees, const Size& size, const RotationOptions& options) {
  if (options.center) return -1;
  if (degrees == 0) return 0;
  if (degrees == 180) return 2;
  if (!options.expand && size.height != size.width) return -1;
  return degrees == 90 ? 1 : degrees == 270 ? 3 : -1;
}

// From places of the result to those of the image, both from their middles: x' = m0 x + m1 y + m2,
// y' = m3 x + m4 y + m5.
std::array<double, 6> back_rotation(double degrees, const Size& size,
                                    const RotationOptions& options) {
  const double radians = -degrees * (std::numbers::pi / 180.0);
  const double c = std::cos(radians), s = std::sin(radians);
  std::array<double, 6> m{c, s, 0, -s, c, 0};
  if (options.center) {
    const double x = (*options.center)[0] - static_cast<double>(size.width) * 0.5;
    const double y = (*options.center)[1] - static_cast<double>(size.height) * 0.5;
    m[2] = -m[0] * x - m[1] * y + x;
    m[5] = -m[3] * x - m[4] * y + y;
  }
  return m;
}

// What holds the rotated corners; in float32, cut to 1e-4 so that rounding adds no pixel.
Size expanded(const std::array<double, 6>& m, const Size& size) {
  const float half_width = 0.5f * static_cast<float>(size.width);
  const float half_height = 0.5f * static_cast<float>(size.height);
  const auto extent = [&](size_t row, float half) {
    float low = INFINITY, high = -INFINITY;
    for (const float x : {-half_width, half_width}) {
      for (const float y : {-half_height, half_height}) {
        const float place = x * static_cast<float>(m[row]) + y * static_cast<float>(m[row + 1]) +
                            static_cast<float>(m[row + 2]);
        low = std::min(low, place);
        high = std::max(high, place);
      }
    }
    const auto cut = [](float x) { return std::trunc(x * 1e4f) * 1e-4f; };
    return static_cast<int64_t>(std::ceil(cut(high + half)) - std::floor(cut(low + half)));
  };
  return {extent(3, half_height), extent(0, half_width)};
}

// Coordinates of grid_sample for each pixel of the result: (B, height, width, 2).
Tensor grid_of(const std::vector<std::array<double, 6>>& matrices, const Size& from,
               const Size& result, Device device) {
  std::vector<float> values;
  const float x_unit = static_cast<float>(0.5 * static_cast<double>(from.width));
  const float y_unit = static_cast<float>(0.5 * static_cast<double>(from.height));
  for (const auto& m : matrices) {
    for (const size_t i : {0, 1, 2}) values.push_back(static_cast<float>(m[i]) / x_unit);
    for (const size_t i : {3, 4, 5}) values.push_back(static_cast<float>(m[i]) / y_unit);
  }
  const auto count = static_cast<int64_t>(matrices.size());
  const Tensor theta = to(from_values(values, {count, 6, 1, 1}), device);
  const auto factor = [&](int64_t i) { return select(theta, 1, i); };  // (B, 1, 1)
  const auto places = [&](int64_t n, const Dims& sizes) {
    const double end = static_cast<double>(n - 1) * 0.5;
    return view(linspace(-end, end, n, {.dtype = kFloat32, .device = device}), sizes);
  };
  const Tensor x = places(result.width, {1, 1, result.width});
  const Tensor y = places(result.height, {1, result.height, 1});
  return stack(
      {x * factor(0) + y * factor(1) + factor(2), x * factor(3) + y * factor(4) + factor(5)}, 3);
}

Tensor fill_values(const RotationOptions& options, int64_t channels, Device device) {
  std::vector<float> fill(options.fill.begin(), options.fill.end());
  IOLAUS_CHECK(fill.size() == 1 || static_cast<int64_t>(fill.size()) == channels,
               "[RandomRotation] expected one fill value or {}, one for each channel, got {}",
               channels, fill.size());
  return to(from_values(fill, {1, static_cast<int64_t>(fill.size()), 1, 1}), device);
}

Tensor sample(const Tensor& images, const Tensor& grid, const RotationOptions& options) {
  const int64_t channels = images.size(1);
  const Device device = images.device();
  const Tensor fill = fill_values(options, channels, device);
  // One channel more says what lies inside.
  const Tensor inside = full({images.size(0), 1, images.size(2), images.size(3)}, 1.0,
                             {.dtype = kFloat32, .device = device});
  const Tensor all = grid_sample(cat({to(images, kFloat32), inside}, 1), grid,
                                 options.bilinear ? "bilinear" : "nearest");
  const Tensor pixels = narrow(all, 1, 0, channels), mask = narrow(all, 1, channels, 1);
  const Tensor filled =
      options.bilinear ? (pixels - fill) * mask + fill : where(lt(mask, 0.5), fill, pixels);
  return images.dtype() == kUInt8 ? to(round(filled), kUInt8) : contiguous(filled);
}

// One by one: those of quarter turns, and those of several sizes.
Tensor rotate_each(const Tensor& images, std::span<const double> angles,
                   const RotationOptions& options) {
  Tensors parts;
  for (size_t i = 0; i < angles.size(); ++i) {
    parts.push_back(rotate_images(narrow(images, 0, static_cast<int64_t>(i), 1),
                                  angles.subspan(i, 1), options));
    IOLAUS_CHECK(parts[i].sizes() == parts[0].sizes(),
                 "[RandomRotation] expand gives images of one batch the sizes {} x {} and {} x {}; "
                 "in a Compose that ends with one size for all (CenterCrop, Resize) each is done "
                 "alone",
                 parts[0].size(2), parts[0].size(3), parts[i].size(2), parts[i].size(3));
  }
  return cat(parts, 0);
}

}  // namespace

Tensor rotate_images(const Tensor& images, std::span<const double> angles,
                     const RotationOptions& options) {
  IOLAUS_CHECK(images.dim() == 4 && images.size(0) == static_cast<int64_t>(angles.size()),
               "[RandomRotation] expected {} images (B, C, H, W), got {}", angles.size(),
               images.describe());
  if (images.numel() == 0) return images;
  const Size size{images.size(2), images.size(3)};
  std::vector<std::array<double, 6>> matrices;
  std::vector<int> turns;
  std::vector<Size> sizes;
  for (const double angle : angles) {
    const double degrees = positive_degrees(angle);
    turns.push_back(quarter_turns(degrees, size, options));
    matrices.push_back(back_rotation(degrees, size, options));
    sizes.push_back(options.expand ? expanded(matrices.back(), size) : size);
  }
  const auto all_as_first = [](const auto& list) {
    return std::all_of(list.begin(), list.end(), [&](const auto& x) { return x == list[0]; });
  };
  if (!all_as_first(turns) || !all_as_first(sizes)) return rotate_each(images, angles, options);
  if (turns[0] == 0) return images;
  if (turns[0] > 0) return contiguous(rot90(images, turns[0], {2, 3}));
  return sample(images, grid_of(matrices, size, sizes[0], images.device()), options);
}

}  // namespace iolaus::nn::data
