// Crops, pads and flips as windows, and erased rectangles; names and meaning are torchvision's.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "nn/data/draws.h"
#include "nn/data/windows.h"

namespace iolaus::nn::data {
namespace {

class Pad final : public Transform {
 public:
  Pad(const Padding& padding, double fill, PadMode mode)
      : padding_(padding), fill_(fill), mode_(mode) {}
  Tensor apply(const Tensor& images, std::span<const int64_t> indices, PhiloxKey) const override {
    const std::vector<Window> windows(indices.size(), {-padding_.top, -padding_.left});
    return take_windows(images, windows,
                        {images.size(2) + padding_.top + padding_.bottom,
                         images.size(3) + padding_.left + padding_.right, mode_, fill_});
  }

 private:
  Padding padding_;
  double fill_;
  PadMode mode_;
};

// The padded image is never made: places are counted from its corner.
class RandomCrop final : public Transform {
 public:
  explicit RandomCrop(const CropOptions& options) : options_(options) {
    IOLAUS_CHECK(options.height > 0 && options.width > 0,
                 "[RandomCrop] expected a size of at least 1 x 1, got {} x {}", options.height,
                 options.width);
  }
  Tensor apply(const Tensor& images, std::span<const int64_t> indices,
               PhiloxKey key) const override {
    Padding pad = options_.padding;
    int64_t height = images.size(2) + pad.top + pad.bottom;
    int64_t width = images.size(3) + pad.left + pad.right;
    if (options_.pad_if_needed) {  // on both sides, as torchvision does
      const int64_t down = std::max<int64_t>(0, options_.height - height);
      const int64_t across = std::max<int64_t>(0, options_.width - width);
      pad.top += down, pad.left += across;
      height += 2 * down, width += 2 * across;
    }
    IOLAUS_CHECK(height >= options_.height && width >= options_.width,
                 "[RandomCrop] expected padded images of at least {} x {}, got {} x {}",
                 options_.height, options_.width, height, width);
    std::vector<Window> windows;
    windows.reserve(indices.size());
    for (const int64_t index : indices) {
      SampleDraws draws(key, index);
      const int64_t top = draws.below(height - options_.height + 1);
      const int64_t left = draws.below(width - options_.width + 1);
      windows.push_back({top - pad.top, left - pad.left});
    }
    return take_windows(images, windows,
                        {options_.height, options_.width, options_.mode, options_.fill});
  }

 private:
  CropOptions options_;
};

class CenterCrop final : public Transform {
 public:
  CenterCrop(int64_t height, int64_t width) : height_(height), width_(width) {
    IOLAUS_CHECK(height > 0 && width > 0,
                 "[CenterCrop] expected a size of at least 1 x 1, got {} x {}", height, width);
  }
  Tensor apply(const Tensor& images, std::span<const int64_t> indices, PhiloxKey) const override {
    const Window window{start(images.size(2), height_), start(images.size(3), width_)};
    return take_windows(images, std::vector<Window>(indices.size(), window), {height_, width_});
  }

 private:
  // Where the rest is odd, torchvision pads less on the left, and rounds halves to even where it
  // cuts.
  static int64_t start(int64_t have, int64_t want) {
    if (want > have) return -((want - have) / 2);
    return static_cast<int64_t>(std::nearbyint(static_cast<double>(have - want) / 2));
  }
  int64_t height_, width_;
};

class RandomFlip final : public Transform {
 public:
  RandomFlip(double p, bool columns) : p_(p), columns_(columns) {
    IOLAUS_CHECK(p >= 0 && p <= 1, "[RandomFlip] expected p in [0, 1], got {}", p);
  }
  Tensor apply(const Tensor& images, std::span<const int64_t> indices,
               PhiloxKey key) const override {
    std::vector<Window> windows(indices.size());
    for (size_t i = 0; i < indices.size(); ++i) {
      const bool flip = SampleDraws(key, indices[i]).uniform() < p_;
      (columns_ ? windows[i].flip_columns : windows[i].flip_rows) = flip;
    }
    return take_windows(images, windows, {images.size(2), images.size(3)});
  }

 private:
  double p_;
  bool columns_;
};

class RandomErasing final : public Transform {
 public:
  explicit RandomErasing(const ErasingOptions& options) : options_(options) {
    IOLAUS_CHECK(options.p >= 0 && options.p <= 1, "[RandomErasing] expected p in [0, 1], got {}",
                 options.p);
    IOLAUS_CHECK(0 <= options.min_scale && options.min_scale <= options.max_scale &&
                     options.max_scale <= 1 && 0 < options.min_ratio &&
                     options.min_ratio <= options.max_ratio,
                 "[RandomErasing] expected a scale in [0, 1] and a ratio > 0 that ascend, got {}, "
                 "{} and {}, {}",
                 options.min_scale, options.max_scale, options.min_ratio, options.max_ratio);
  }
  Tensor apply(const Tensor& images, std::span<const int64_t> indices,
               PhiloxKey key) const override {
    std::vector<Rectangle> rectangles;
    rectangles.reserve(indices.size());
    for (const int64_t index : indices) {
      rectangles.push_back(draw(SampleDraws(key, index), images.size(2), images.size(3)));
    }
    return fill_rectangles(images, rectangles, options_.value);
  }

 private:
  // Ten tries to find one that fits, as torchvision does; else nothing is erased.
  Rectangle draw(SampleDraws draws, int64_t height, int64_t width) const {
    if (draws.uniform() >= options_.p) return {};
    const double area = static_cast<double>(height * width);
    for (int i = 0; i < 10; ++i) {
      const double part = area * draws.uniform(options_.min_scale, options_.max_scale);
      const double ratio =
          std::exp(draws.uniform(std::log(options_.min_ratio), std::log(options_.max_ratio)));
      const auto h = static_cast<int64_t>(std::nearbyint(std::sqrt(part * ratio)));
      const auto w = static_cast<int64_t>(std::nearbyint(std::sqrt(part / ratio)));
      if (h >= height || w >= width) continue;
      const int64_t top = draws.below(height - h + 1), left = draws.below(width - w + 1);
      return {top, left, top + h, left + w};
    }
    return {};
  }
  ErasingOptions options_;
};

class Cutout final : public Transform {
 public:
  Cutout(int64_t size, double value) : size_(size), value_(value) {
    IOLAUS_CHECK(size > 0, "[Cutout] expected a size > 0, got {}", size);
  }
  Tensor apply(const Tensor& images, std::span<const int64_t> indices,
               PhiloxKey key) const override {
    const int64_t height = images.size(2), width = images.size(3);
    std::vector<Rectangle> rectangles;
    rectangles.reserve(indices.size());
    for (const int64_t index : indices) {
      SampleDraws draws(key, index);
      const int64_t top = draws.below(height) - size_ / 2, left = draws.below(width) - size_ / 2;
      rectangles.push_back({std::max<int64_t>(0, top), std::max<int64_t>(0, left),
                            std::min(height, top + size_), std::min(width, left + size_)});
    }
    return fill_rectangles(images, rectangles, value_);
  }

 private:
  int64_t size_;
  double value_;
};

}  // namespace

TransformPtr pad(const Padding& padding, double fill, PadMode mode) {
  IOLAUS_CHECK(padding.left >= 0 && padding.top >= 0 && padding.right >= 0 && padding.bottom >= 0,
               "[Pad] expected paddings >= 0, got {}, {}, {} and {}", padding.left, padding.top,
               padding.right, padding.bottom);
  return std::make_shared<Pad>(padding, fill, mode);
}
TransformPtr random_crop(const CropOptions& options) {
  return std::make_shared<RandomCrop>(options);
}
TransformPtr center_crop(int64_t height, int64_t width) {
  return std::make_shared<CenterCrop>(height, width);
}
TransformPtr random_horizontal_flip(double p) { return std::make_shared<RandomFlip>(p, true); }
TransformPtr random_vertical_flip(double p) { return std::make_shared<RandomFlip>(p, false); }
TransformPtr random_erasing(const ErasingOptions& options) {
  return std::make_shared<RandomErasing>(options);
}
TransformPtr cutout(int64_t size, double value) { return std::make_shared<Cutout>(size, value); }

}  // namespace iolaus::nn::data
