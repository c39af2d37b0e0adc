// ImageDataset: images of 8 bits that are all in memory, with a label each. A batch is made in one
// loop: every byte becomes its normalised float by a table of 256 entries per channel.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "nn/data/dataset.h"

namespace iolaus::nn::data {

/// (x / 255 - mean) / std for each channel; the defaults leave x / 255.
struct Normalization {
  std::vector<float> mean = {0};
  std::vector<float> std = {1};
};

class ImageDataset final : public Dataset {
 public:
  /// images: uint8 (N, H, W) or (N, C, H, W); labels: uint8 or int64 (N), in [0, num_classes).
  /// Errors: kInvalidArgument for other shapes, labels or numbers of means, kType for dtypes.
  ImageDataset(const Tensor& images, const Tensor& labels, int64_t num_classes,
               const Normalization& normalization = {});

  int64_t size() const override { return images_.size(0); }
  int64_t num_classes() const { return num_classes_; }
  /// (C, H, W).
  Dims image_sizes() const;
  /// float32 (C, H, W) and int64 ().
  Sample get(int64_t index, PhiloxKey key) const override;
  /// float32 (B, C, H, W) and int64 (B).
  Sample get_batch(std::span<const int64_t> indices, PhiloxKey key) const override;

 private:
  Tensor images_;  // uint8 (N, C, H, W)
  std::vector<int64_t> labels_;
  int64_t num_classes_;
  std::vector<std::array<float, 256>> tables_;  // one for each channel
};

}  // namespace iolaus::nn::data
