// ToTensor, Normalize, Resize and Compose.
#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "core/error.h"
#include "core/random.h"
#include "nn/data/pixel_values.h"
#include "nn/data/transforms.h"

namespace iolaus::nn::data {
namespace {

Normalization unchanged(int64_t channels) {
  return {std::vector<float>(static_cast<size_t>(channels), 0.0f),
          std::vector<float>(static_cast<size_t>(channels), 1.0f)};
}

class ToTensor final : public Transform {
 public:
  Tensor apply(const Tensor& images, std::span<const int64_t>, PhiloxKey) const override {
    if (images.dtype() == kFloat32) return images;
    return PixelValues(unchanged(images.size(1))).convert(images);
  }
};

class Normalize final : public Transform {
 public:
  explicit Normalize(Normalization normalization) : values_(std::move(normalization)) {}
  const PixelValues& values() const { return values_; }
  Tensor apply(const Tensor& images, std::span<const int64_t>, PhiloxKey) const override {
    IOLAUS_CHECK_CODE(images.dtype() == kFloat32, ErrorCode::kType,
                      "[Normalize] expected float32 images, got {}; ToTensor goes before",
                      images.describe());
    IOLAUS_CHECK(images.size(1) == values_.channels(),
                 "[Normalize] expected {} means and deviations, one for each channel, got {}",
                 images.size(1), values_.channels());
    return normalize_by_ops(images, values_.normalization());
  }

 private:
  PixelValues values_;
};

// ToTensor and Normalize at once.
class ToNormalized final : public Transform {
 public:
  explicit ToNormalized(const PixelValues& values) : values_(values) {}
  Tensor apply(const Tensor& images, std::span<const int64_t>, PhiloxKey) const override {
    if (images.dtype() == kFloat32) return normalize_by_ops(images, values_.normalization());
    return values_.convert(images);
  }

 private:
  PixelValues values_;
};

// What each of `out` places takes from `in` pixels: (out, in). PyTorch's weights, of
// aten/src/ATen/native/cpu/UpSampleKernel.cpp.
std::vector<float> resize_weights(int64_t in, int64_t out, bool antialias) {
  std::vector<float> weights(static_cast<size_t>(in * out), 0.0f);
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double support = antialias ? std::max(1.0, scale) : 1.0;
  for (int64_t i = 0; i < out; ++i) {
    float* row = weights.data() + i * in;
    const double center = scale * (static_cast<double>(i) + 0.5);
    if (!antialias) {
      const double place = std::max(0.0, center - 0.5);
      const int64_t first = std::min(static_cast<int64_t>(place), in - 1);
      const double part = place - static_cast<double>(first);
      row[first] += static_cast<float>(1 - part);
      row[std::min(first + 1, in - 1)] += static_cast<float>(part);
      continue;
    }
    const auto begin = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
    const auto end = std::min(in, static_cast<int64_t>(center + support + 0.5));
    double sum = 0;
    const auto weight = [&](int64_t j) {
      const double x = (static_cast<double>(j) - center + 0.5) / support;
      return std::max(0.0, 1 - std::abs(x));
    };
    for (int64_t j = begin; j < end; ++j) sum += weight(j);
    for (int64_t j = begin; j < end; ++j) row[j] = static_cast<float>(weight(j) / sum);
  }
  return weights;
}

class Resize final : public Transform {
 public:
  Resize(int64_t height, int64_t width, bool antialias)
      : height_(height), width_(width), antialias_(antialias) {
    IOLAUS_CHECK(height > 0 && width >= 0, "[Resize] expected a size of at least 1, got {} x {}",
                 height, width);
  }
  Tensor apply(const Tensor& images, std::span<const int64_t>, PhiloxKey) const override {
    const int64_t rows = images.size(2), columns = images.size(3);
    int64_t height = height_, width = width_;
    if (width == 0) {  // the shorter edge has height_, the other keeps the ratio
      const int64_t longer = height_ * std::max(rows, columns) / std::min(rows, columns);
      (rows <= columns ? width : height) = longer;
      (rows <= columns ? height : width) = height_;
    }
    if (height == rows && width == columns) return images;
    const Device device = images.device();
    const int64_t planes = images.size(0) * images.size(1);
    const Tensor across =
        to(from_values(resize_weights(columns, width, antialias_), {width, columns}), device);
    const Tensor down =
        to(from_values(resize_weights(rows, height, antialias_), {height, rows}), device);
    const Tensor pixels = view(to(images, kFloat32), {planes * rows, columns});
    const Tensor wide = view(matmul(pixels, transpose(across, 0, 1)), {planes, rows, width});
    const Tensor out = view(matmul(expand(unsqueeze(down, 0), {planes, height, rows}), wide),
                            {images.size(0), images.size(1), height, width});
    return images.dtype() == kUInt8 ? to(clamp(round(out), 0, 255), kUInt8) : out;
  }

 private:
  int64_t height_, width_;
  bool antialias_;
};

class Compose final : public Transform {
 public:
  explicit Compose(std::vector<TransformPtr> transforms)
      : transforms_(std::move(transforms)),
        varies_(std::any_of(transforms_.begin(), transforms_.end(),
                            [](const TransformPtr& t) { return t->varies_in_size(); })) {}
  Tensor apply(const Tensor& images, std::span<const int64_t> indices,
               PhiloxKey key) const override {
    if (varies_ && indices.size() > 1) return one_by_one(images, indices, key);
    Tensor out = images;
    for (size_t i = 0; i < transforms_.size(); ++i) {
      out = transforms_[i]->apply(out, indices, {derive_seed(key.seed, i + 1), key.offset});
    }
    return out;
  }

 private:
  Tensor one_by_one(const Tensor& images, std::span<const int64_t> indices, PhiloxKey key) const {
    Tensors done;
    for (size_t i = 0; i < indices.size(); ++i) {
      done.push_back(
          apply(narrow(images, 0, static_cast<int64_t>(i), 1), indices.subspan(i, 1), key));
      IOLAUS_CHECK(done[i].sizes() == done[0].sizes(),
                   "[Compose] expected images of one size behind the last transform, got {} x {} "
                   "and {} x {}; CenterCrop or Resize makes them equal",
                   done[0].size(2), done[0].size(3), done[i].size(2), done[i].size(3));
    }
    return cat(done, 0);
  }

  std::vector<TransformPtr> transforms_;
  bool varies_;
};

}  // namespace

TransformPtr to_tensor() { return std::make_shared<ToTensor>(); }
TransformPtr normalize(Normalization normalization) {
  return std::make_shared<Normalize>(std::move(normalization));
}
TransformPtr resize(int64_t height, int64_t width, bool antialias) {
  return std::make_shared<Resize>(height, width, antialias);
}

TransformPtr compose(std::vector<TransformPtr> transforms) {
  std::vector<TransformPtr> steps;
  for (TransformPtr& transform : transforms) {
    IOLAUS_CHECK(transform != nullptr, "[Compose] expected transforms, got null");
    const auto* after = dynamic_cast<const Normalize*>(transform.get());
    const bool follows =
        !steps.empty() && dynamic_cast<const ToTensor*>(steps.back().get()) != nullptr;
    if (after != nullptr && follows) {
      steps.back() = std::make_shared<ToNormalized>(after->values());
    } else {
      steps.push_back(std::move(transform));
    }
  }
  return std::make_shared<Compose>(std::move(steps));
}

}  // namespace iolaus::nn::data
