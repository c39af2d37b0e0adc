// Tables, and the same formula in ops.
#include "nn/data/pixel_values.h"

#include "autograd/ops.h"
#include "core/error.h"

namespace iolaus::nn::data {
namespace {

// __restrict: else each store might change the table, and each value would wait for the last.
void look_up(const uint8_t* __restrict from, const float* __restrict table, int64_t count,
             float* __restrict to) {
  for (int64_t i = 0; i < count; ++i) to[i] = table[from[i]];
}

Tensor per_channel(const std::vector<float>& values, Device device) {
  return to(from_values(values, {1, static_cast<int64_t>(values.size()), 1, 1}), device);
}

}  // namespace

PixelValues::PixelValues(Normalization normalization) : normalization_(std::move(normalization)) {
  const auto& [mean, std] = normalization_;
  IOLAUS_CHECK(!mean.empty() && mean.size() == std.size(),
               "[images] expected as many means as deviations, got {} and {}", mean.size(),
               std.size());
  for (size_t c = 0; c < mean.size(); ++c) {
    IOLAUS_CHECK(std[c] > 0, "[images] expected standard deviations > 0, got {}", std[c]);
    auto& table = tables_.emplace_back();
    for (int x = 0; x < 256; ++x) {
      table[static_cast<size_t>(x)] = (static_cast<float>(x) / 255.0f - mean[c]) / std[c];
    }
  }
}

void PixelValues::check_channels(const Tensor& images) const {
  IOLAUS_CHECK(images.dim() == 4 && images.size(1) == channels(),
               "[images] expected {} means and deviations, one for each channel, got {} for {}",
               images.dim() == 4 ? images.size(1) : 0, channels(), images.describe());
}

void PixelValues::convert(int64_t channel, const uint8_t* from, int64_t count, float* to) const {
  look_up(from, tables_[static_cast<size_t>(channel)].data(), count, to);
}

Tensor PixelValues::convert(const Tensor& images) const {
  if (!images.device().is_cpu()) return convert_by_ops(images);
  check_channels(images);
  const Tensor out = empty(images.sizes());
  const int64_t plane = images.size(2) * images.size(3);
  const uint8_t* from = images.data<uint8_t>();
  float* to = out.data<float>();
  for (int64_t i = 0; i < images.size(0) * channels(); ++i, from += plane, to += plane) {
    convert(i % channels(), from, plane, to);
  }
  return out;
}

Tensor PixelValues::convert_by_ops(const Tensor& images) const {
  check_channels(images);
  return normalize_by_ops(to(images, kFloat32) / 255.0, normalization_);
}

Tensor normalize_by_ops(const Tensor& images, const Normalization& normalization) {
  const Device device = images.device();
  return (images - per_channel(normalization.mean, device)) /
         per_channel(normalization.std, device);
}

}  // namespace iolaus::nn::data
