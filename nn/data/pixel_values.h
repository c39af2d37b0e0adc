// From bytes to floats: (x / 255 - mean) / std, in torchvision's order and precision, so that the
// values are its own to the last bit. On the CPU by a table of 256 entries for each channel.
#pragma once

#include <array>
#include <vector>

#include "nn/data/transforms.h"

namespace iolaus::nn::data {

class PixelValues {
 public:
  /// Errors: kInvalidArgument for deviations that are not positive, or as many means as there are
  /// not.
  explicit PixelValues(Normalization normalization);
  int64_t channels() const { return static_cast<int64_t>(tables_.size()); }
  const Normalization& normalization() const { return normalization_; }

  /// uint8 (B, C, H, W) -> float32 of the same shape, on its device.
  /// Errors: kInvalidArgument for another number of channels.
  Tensor convert(const Tensor& images) const;
  /// The same with tensor ops, on any device.
  Tensor convert_by_ops(const Tensor& images) const;
  /// count pixels of one channel.
  void convert(int64_t channel, const uint8_t* from, int64_t count, float* to) const;

 private:
  void check_channels(const Tensor& images) const;

  Normalization normalization_;
  std::vector<std::array<float, 256>> tables_;
};

/// (images - mean) / std of float32 (B, C, H, W).
Tensor normalize_by_ops(const Tensor& images, const Normalization& normalization);

}  // namespace iolaus::nn::data
