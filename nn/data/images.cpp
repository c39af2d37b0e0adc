// Picking images, and their way to normalised floats.
#include "nn/data/images.h"

#include <cstring>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
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

// Shuffled images are anywhere in memory: asking for the next one early makes a batch three times
// faster. A prefetch of a wrong address does nothing, so index need not be checked yet.
void prefetch(const uint8_t* images, int64_t index, int64_t nbytes) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(images) +
                          static_cast<uintptr_t>(index) * static_cast<uintptr_t>(nbytes);
  for (uintptr_t line = 0; line < static_cast<uintptr_t>(nbytes); line += 64) {
    __builtin_prefetch(reinterpret_cast<const void*>(begin + line));
  }
}

void check_index(int64_t index, int64_t size) {
  IOLAUS_CHECK_CODE(index >= 0 && index < size, ErrorCode::kIndex,
                    "[images] expected an index in [0, {}), got {}", size, index);
}

// Through the transform, and normalised where that is left to us.
Tensor finish(const ImageDataset& dataset, const Tensor& images, std::span<const int64_t> indices,
              PhiloxKey key) {
  const NoGrad no_grad;
  const TransformPtr& transform = dataset.transform();
  const Tensor out = transform ? transform->apply(images, indices, key) : images;
  return out.dtype() == kUInt8 ? dataset.values().convert(out) : out;
}

}  // namespace

ImageDataset::ImageDataset(const Tensor& images, const Tensor& labels, int64_t num_classes,
                           const Normalization& normalization, TransformPtr transform)
    : images_(as_nchw(images)),
      num_classes_(num_classes),
      values_(normalization),
      transform_(std::move(transform)) {
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
  IOLAUS_CHECK(values_.channels() == images_.size(1),
               "[images] expected {} means and deviations, one for each channel, got {}",
               images_.size(1), values_.channels());
}

std::shared_ptr<const ImageDataset> ImageDataset::with_transform(TransformPtr transform) const {
  auto copy = std::make_shared<ImageDataset>(*this);
  copy->transform_ = std::move(transform);
  return copy;
}

Dims ImageDataset::image_sizes() const {
  return {images_.size(1), images_.size(2), images_.size(3)};
}

Sample ImageDataset::get(int64_t index, PhiloxKey key) const {
  Sample batch = get_batch({&index, 1}, key);
  return {views::select(batch[0], 0, 0), views::select(batch[1], 0, 0)};
}

Tensor ImageDataset::gather(std::span<const int64_t> indices) const {
  const Dims image = image_sizes();
  const int64_t nbytes = image[0] * image[1] * image[2];
  Tensor out = empty({static_cast<int64_t>(indices.size()), image[0], image[1], image[2]},
                     {.dtype = kUInt8});
  const uint8_t* images = images_.data<uint8_t>();
  uint8_t* to = out.data<uint8_t>();
  for (size_t i = 0; i < indices.size(); ++i, to += nbytes) {
    if (i + 1 < indices.size()) prefetch(images, indices[i + 1], nbytes);
    std::memcpy(to, images + indices[i] * nbytes, static_cast<size_t>(nbytes));
  }
  return out;
}

Sample ImageDataset::get_batch(std::span<const int64_t> indices, PhiloxKey key) const {
  const auto count = static_cast<int64_t>(indices.size());
  Tensor targets = empty({count}, {.dtype = kInt64});
  for (size_t i = 0; i < indices.size(); ++i) {
    check_index(indices[i], size());
    targets.data<int64_t>()[i] = labels_[static_cast<size_t>(indices[i])];
  }
  if (transform_ != nullptr) return {finish(*this, gather(indices), indices, key), targets};

  const Dims image = image_sizes();
  const int64_t plane = image[1] * image[2], channels = image[0];
  Tensor inputs = empty({count, channels, image[1], image[2]});
  const uint8_t* images = images_.data<uint8_t>();
  float* to = inputs.data<float>();
  for (size_t i = 0; i < indices.size(); ++i) {
    const uint8_t* from = images + indices[i] * channels * plane;
    if (i + 1 < indices.size()) prefetch(images, indices[i + 1], channels * plane);
    for (int64_t c = 0; c < channels; ++c, from += plane, to += plane) {
      values_.convert(c, from, plane, to);
    }
  }
  return {inputs, targets};
}

DeviceImages::DeviceImages(std::shared_ptr<const ImageDataset> dataset, Device device)
    : dataset_(std::move(dataset)),
      images_(iolaus::to(dataset_->images(), device)),
      labels_(iolaus::to(from_values(dataset_->labels(), {dataset_->size()}), device)) {}

Sample DeviceImages::get(int64_t index, PhiloxKey key) const {
  Sample batch = get_batch({&index, 1}, key);
  return {views::select(batch[0], 0, 0), views::select(batch[1], 0, 0)};
}

Sample DeviceImages::get_batch(std::span<const int64_t> indices, PhiloxKey key) const {
  for (const int64_t index : indices) check_index(index, size());
  const Tensor places =
      iolaus::to(from_values(indices, {static_cast<int64_t>(indices.size())}), images_.device());
  return {finish(*dataset_, index_select(images_, 0, places), indices, key),
          index_select(labels_, 0, places)};
}

}  // namespace iolaus::nn::data
