// From bytes to normalised floats.
#include "nn/data/images.h"

#include "core/views.h"

namespace iolaus::nn::data {
namespace {

Tensor as_nchw(const Tensor& images) {
  IOLAUS_CHECK_CODE(images.defined() && images.dtype() == kUInt8, ErrorCode::kType,
                    "[images] expected uint8 images, got {}", images.describe());
  IOLAUS_CHECK((images.dim() == 3 || images.dim() == 4) && images.is_contiguous() &&
                   images.device().is_cpu(),
               "[images] expected contiguous images (N, H, W) or (N, C, H, W) on the CPU, got {}",
               images.describe());
  return images.dim() == 4 ? images : views::unsqueeze(images, 1);
}

// __restrict: else each store might change the table, and each value would wait for the last.
void convert(const uint8_t* __restrict from, const float* __restrict table, int64_t count,
             float* __restrict to) {
  for (int64_t i = 0; i < count; ++i) to[i] = table[from[i]];
}

// Shuffled images are anywhere in memory: asking for the next one early makes a batch three times
// faster. A prefetch of a wrong address does nothing, so index need not be checked yet.
void prefetch(const uint8_t* images, int64_t index, int64_t nbytes) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(images) +
                          static_cast<uintptr_t>(index) * static_cast<uintptr_t>(nbytes);
  for (uintptr_t line = 0; line < static_cast<uintptr_t>(nbytes); line += 64) {
    __builtin_prefetch(reinterpret_cast<const void*>(begin + line));
  }
}

}  // namespace

ImageDataset::ImageDataset(const Tensor& images, const Tensor& labels, int64_t num_classes,
                           const Normalization& normalization)
    : images_(as_nchw(images)), num_classes_(num_classes) {
  IOLAUS_CHECK(labels.defined() && labels.dim() == 1 && labels.size(0) == size(),
               "[images] expected labels ({}), one for each image, got {}", size(),
               labels.describe());
  IOLAUS_CHECK_CODE(labels.dtype() == kUInt8 || labels.dtype() == kInt64, ErrorCode::kType,
                    "[images] expected uint8 or int64 labels, got {}", labels.describe());
  labels_ = labels.to_vector<int64_t>();
  for (size_t i = 0; i < labels_.size(); ++i) {
    IOLAUS_CHECK(labels_[i] >= 0 && labels_[i] < num_classes,
                 "[images] expected labels in [0, {}), got {} for image {}", num_classes,
                 labels_[i], i);
  }
  const auto channels = static_cast<size_t>(images_.size(1));
  const auto& [mean, std] = normalization;
  IOLAUS_CHECK(mean.size() == channels && std.size() == channels,
               "[images] expected {} means and deviations, one for each channel, got {} and {}",
               channels, mean.size(), std.size());
  for (size_t c = 0; c < channels; ++c) {
    IOLAUS_CHECK(std[c] > 0, "[images] expected standard deviations > 0, got {}", std[c]);
    auto& table = tables_.emplace_back();
    // In this order and precision, so that the values are those of torchvision to the last bit.
    for (int x = 0; x < 256; ++x) {
      table[static_cast<size_t>(x)] = (static_cast<float>(x) / 255.0f - mean[c]) / std[c];
    }
  }
}

Dims ImageDataset::image_sizes() const {
  return {images_.size(1), images_.size(2), images_.size(3)};
}

Sample ImageDataset::get(int64_t index, PhiloxKey key) const {
  Sample batch = get_batch({&index, 1}, key);
  return {views::select(batch[0], 0, 0), views::select(batch[1], 0, 0)};
}

Sample ImageDataset::get_batch(std::span<const int64_t> indices, PhiloxKey) const {
  const auto count = static_cast<int64_t>(indices.size());
  const Dims image = image_sizes();
  const int64_t plane = image[1] * image[2], channels = image[0];
  Tensor inputs = empty({count, channels, image[1], image[2]});
  Tensor targets = empty({count}, {.dtype = kInt64});
  const uint8_t* images = images_.data<uint8_t>();
  float* to = inputs.data<float>();
  for (size_t i = 0; i < indices.size(); ++i) {
    const int64_t index = indices[i];
    IOLAUS_CHECK_CODE(index >= 0 && index < size(), ErrorCode::kIndex,
                      "[images] expected an index in [0, {}), got {}", size(), index);
    const uint8_t* from = images + index * channels * plane;
    if (i + 1 < indices.size()) prefetch(images, indices[i + 1], channels * plane);
    for (int64_t c = 0; c < channels; ++c) {
      convert(from, tables_[static_cast<size_t>(c)].data(), plane, to);
      from += plane;
      to += plane;
    }
    targets.data<int64_t>()[i] = labels_[static_cast<size_t>(index)];
  }
  return {inputs, targets};
}

}  // namespace iolaus::nn::data
