// ImageDataset: images of 8 bits that are all in memory, with a label each. Without transforms a
// batch is made in one loop: every byte becomes its normalised float by a table. DeviceImages holds
// the same on a device, and makes the same batches there.
#pragma once

#include <vector>

#include "nn/data/dataset.h"
#include "nn/data/pixel_values.h"
#include "nn/data/transforms.h"

namespace iolaus::nn::data {

class ImageDataset final : public Dataset {
 public:
  /// images: uint8 (N, H, W) or (N, C, H, W); labels: uint8 or int64 (N), in [0, num_classes).
  /// Errors: kInvalidArgument for other shapes, labels or numbers of means, kType for dtypes.
  ImageDataset(const Tensor& images, const Tensor& labels, int64_t num_classes,
               const Normalization& normalization = {}, TransformPtr transform = nullptr);
  /// The same images through another transform (null: none).
  std::shared_ptr<const ImageDataset> with_transform(TransformPtr transform) const;

  int64_t size() const override { return images_.size(0); }
  int64_t num_classes() const { return num_classes_; }
  /// (C, H, W).
  Dims image_sizes() const;
  /// uint8 (N, C, H, W).
  const Tensor& images() const { return images_; }
  const std::vector<int64_t>& labels() const { return labels_; }
  const PixelValues& values() const { return values_; }
  const TransformPtr& transform() const { return transform_; }
  /// float32 (C, H, W) and int64 ().
  Sample get(int64_t index, PhiloxKey key) const override;
  /// float32 (B, C, H, W), of the transform's H and W, and int64 (B).
  Sample get_batch(std::span<const int64_t> indices, PhiloxKey key) const override;

 private:
  Tensor gather(std::span<const int64_t> indices) const;

  Tensor images_;
  std::vector<int64_t> labels_;
  int64_t num_classes_;
  PixelValues values_;
  TransformPtr transform_;
};

/// All images of a dataset on a device: batches are picked, transformed and normalised there, with
/// the values that the dataset's own have.
class DeviceImages final : public Dataset {
 public:
  /// Errors: kOutOfMemory.
  DeviceImages(std::shared_ptr<const ImageDataset> dataset, Device device);
  int64_t size() const override { return dataset_->size(); }
  Sample get(int64_t index, PhiloxKey key) const override;
  Sample get_batch(std::span<const int64_t> indices, PhiloxKey key) const override;

 private:
  std::shared_ptr<const ImageDataset> dataset_;
  Tensor images_, labels_;
};

}  // namespace iolaus::nn::data
