// The formulas, and their precision, are those of torchvision/transforms/v2/functional/_color.py
// (0.29).
#include "nn/data/color.h"

#include <vector>

#include "autograd/ops.h"
#include "core/error.h"

namespace iolaus::nn::data {
namespace {

void check(const Tensor& images, size_t factors) {
  IOLAUS_CHECK(images.dim() == 4 && images.size(0) == static_cast<int64_t>(factors) &&
                   (images.size(1) == 1 || images.size(1) == 3),
               "[ColorJitter] expected {} images (B, 1 or 3, H, W), got {}", factors,
               images.describe());
  IOLAUS_CHECK_CODE(images.dtype() == kUInt8 || images.dtype() == kFloat32, ErrorCode::kType,
                    "[ColorJitter] expected uint8 or float32 images, got {}", images.describe());
}

// (B, 1, 1, 1), beside the images.
Tensor column(const Tensor& images, std::span<const double> factors, double from = 0,
              double sign = 1) {
  std::vector<float> values;
  for (const double factor : factors) values.push_back(static_cast<float>(from + sign * factor));
  return to(from_values(values, {images.size(0), 1, 1, 1}), images.device());
}

Tensor channel(const Tensor& images, int64_t c) { return narrow(images, 1, c, 1); }

// In the images' range and dtype; uint8 is cut, not rounded.
Tensor finish(const Tensor& pixels, const Tensor& images) {
  const bool bytes = images.dtype() == kUInt8;
  const Tensor bounded = clamp(pixels, 0, bytes ? 255.0 : 1.0);
  return bytes ? to(bounded, kUInt8) : bounded;
}

// (B, 1, H, W), float32.
Tensor grey(const Tensor& images) {
  const Tensor pixels = to(images, kFloat32);
  if (images.size(1) == 1) return pixels;
  const Tensor sum =
      add(add(channel(pixels, 0) * 0.2989, channel(pixels, 1), 0.587), channel(pixels, 2), 0.114);
  return images.dtype() == kUInt8 ? floor(sum) : sum;
}

// images at 1, other at 0.
Tensor blend(const Tensor& images, const Tensor& other, std::span<const double> factors) {
  return finish(addcmul(to(images, kFloat32) * column(images, factors), other,
                        column(images, factors, 1, -1)),
                images);
}

struct Hsv {
  Tensor hue, saturation, value;  // (B, 1, H, W)
};

Hsv to_hsv(const Tensor& rgb) {
  const Tensor least = amin(rgb, {1}, true), most = amax(rgb, {1}, true);
  const Tensor flat = eq(most, least), range = most - least;
  const Tensor part = (most - rgb) / where(flat, 1.0, range);
  const Tensor r = channel(part, 0), g = channel(part, 1), b = channel(part, 2);
  const Tensor is_red = eq(most, channel(rgb, 0)), is_green = eq(most, channel(rgb, 1));
  const Tensor sector = where(is_red, b - g, where(is_green, r + 2.0 - b, g + 4.0 - r));
  return {fmod(sector * (1.0 / 6.0) + 1.0, 1.0), range / where(flat, 1.0, most), most};
}

Tensor to_rgb(const Hsv& hsv) {
  const Tensor six = hsv.hue * 6.0, whole = floor(six), rest = six - whole;
  const auto shade = [&](const Tensor& x) { return clamp(x * hsv.value, 0.0, 1.0); };
  const Tensor part = hsv.saturation * rest;
  const Tensor falling = shade(1.0 - part), rising = shade(part + (1.0 - hsv.saturation));
  const Tensor low = shade(1.0 - hsv.saturation);
  // In each sixth of the circle one channel is the value, one is low and one moves.
  const Tensor sixth = remainder(whole, 6.0);
  const auto choose = [&](std::initializer_list<const Tensor*> of_sixths) {
    Tensor out = **of_sixths.begin();
    double i = 0;
    for (const Tensor* x : of_sixths) out = where(eq(sixth, i++), *x, out);
    return out;
  };
  const Tensor& v = hsv.value;
  return cat({choose({&v, &falling, &low, &low, &rising, &v}),
              choose({&rising, &v, &v, &falling, &low, &low}),
              choose({&low, &low, &rising, &v, &v, &falling})},
             1);
}

}  // namespace

Tensor adjust_brightness(const Tensor& images, std::span<const double> factors) {
  check(images, factors.size());
  return finish(to(images, kFloat32) * column(images, factors), images);
}

Tensor adjust_contrast(const Tensor& images, std::span<const double> factors) {
  check(images, factors.size());
  return blend(images, mean(grey(images), {1, 2, 3}, true), factors);
}

Tensor adjust_saturation(const Tensor& images, std::span<const double> factors) {
  check(images, factors.size());
  if (images.size(1) == 1) return images;
  return blend(images, grey(images), factors);
}

Tensor adjust_hue(const Tensor& images, std::span<const double> shifts) {
  check(images, shifts.size());
  if (images.size(1) == 1) return images;
  const bool bytes = images.dtype() == kUInt8;
  const Tensor pixels = to(images, kFloat32);
  Hsv hsv = to_hsv(bytes ? pixels * (1.0 / 255.0) : pixels);
  hsv.hue = remainder(hsv.hue + column(images, shifts), 1.0);
  const Tensor rgb = to_rgb(hsv);
  // A little less than 256, so that 1 becomes 255 and each level has as large a share.
  return bytes ? to(rgb * (256.0 - 1e-3), kUInt8) : rgb;
}

}  // namespace iolaus::nn::data
