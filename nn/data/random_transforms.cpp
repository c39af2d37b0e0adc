// RandomRotation and ColorJitter: what is drawn for each sample.
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "autograd/ops.h"
#include "core/error.h"
#include "nn/data/color.h"
#include "nn/data/draws.h"
#include "nn/data/rotation.h"

namespace iolaus::nn::data {
namespace {

class RandomRotation final : public Transform {
 public:
  explicit RandomRotation(RotationOptions options) : options_(std::move(options)) {
    IOLAUS_CHECK(std::isfinite(options_.min_degrees) && std::isfinite(options_.max_degrees) &&
                     options_.min_degrees <= options_.max_degrees,
                 "[RandomRotation] expected degrees that ascend, got {} and {}",
                 options_.min_degrees, options_.max_degrees);
    IOLAUS_CHECK(!options_.fill.empty(), "[RandomRotation] expected a fill value");
  }
  Tensor apply(const Tensor& images, std::span<const int64_t> indices,
               PhiloxKey key) const override {
    std::vector<double> angles;
    for (const int64_t index : indices) {
      angles.push_back(SampleDraws(key, index).uniform(options_.min_degrees, options_.max_degrees));
    }
    return rotate_images(images, angles, options_);
  }
  bool varies_in_size() const override {
    return options_.expand && options_.min_degrees < options_.max_degrees;
  }

 private:
  RotationOptions options_;
};

class ColorJitter final : public Transform {
 public:
  explicit ColorJitter(const JitterOptions& options) : options_(options) {
    check(options.brightness, "brightness", 1, 0, std::numeric_limits<double>::infinity());
    check(options.contrast, "contrast", 1, 0, std::numeric_limits<double>::infinity());
    check(options.saturation, "saturation", 1, 0, std::numeric_limits<double>::infinity());
    check(options.hue, "hue", 0, -0.5, 0.5);
  }

  // Place by place of the four: the images whose turn it is for an operation go through it
  // together.
  Tensor apply(const Tensor& images, std::span<const int64_t> indices,
               PhiloxKey key) const override {
    IOLAUS_CHECK(images.dim() == 4 && images.size(0) == static_cast<int64_t>(indices.size()),
                 "[ColorJitter] expected {} images (B, C, H, W), got {}", indices.size(),
                 images.describe());
    std::vector<Plan> plans;
    for (const int64_t index : indices) plans.push_back(draw(SampleDraws(key, index)));
    Tensor out = images;
    for (size_t place = 0; place < 4; ++place) {
      for (int operation = 0; operation < 4; ++operation) {
        if (!range(operation)) continue;
        std::vector<int64_t> which;
        std::vector<double> factors;
        for (size_t i = 0; i < plans.size(); ++i) {
          if (plans[i].order[place] != operation) continue;
          which.push_back(static_cast<int64_t>(i));
          factors.push_back(plans[i].factors[static_cast<size_t>(operation)]);
        }
        if (!which.empty()) out = adjust_some(out, operation, which, factors);
      }
    }
    return out;
  }

 private:
  struct Plan {
    std::array<int, 4> order;
    std::array<double, 4> factors;
  };

  static void check(const std::optional<JitterRange>& range, const char* name, double neutral,
                    double low, double high) {
    if (!range) return;
    IOLAUS_CHECK(
        low <= range->min && range->min <= range->max && range->max <= high,
        "[ColorJitter] {} expected two values that ascend in [{}, {}] ({} changes nothing), "
        "got {} and {}",
        name, low, high, neutral, range->min, range->max);
  }

  const std::optional<JitterRange>& range(int operation) const {
    return operation == 0   ? options_.brightness
           : operation == 1 ? options_.contrast
           : operation == 2 ? options_.saturation
                            : options_.hue;
  }

  // An order of the four, each as likely, and then a factor for each that is asked for.
  Plan draw(SampleDraws draws) const {
    Plan plan{{0, 1, 2, 3}, {}};
    for (int64_t i = 3; i > 0; --i) {
      std::swap(plan.order[static_cast<size_t>(i)],
                plan.order[static_cast<size_t>(draws.below(i + 1))]);
    }
    for (int operation = 0; operation < 4; ++operation) {
      if (const auto& r = range(operation)) {
        plan.factors[static_cast<size_t>(operation)] = draws.uniform(r->min, r->max);
      }
    }
    return plan;
  }

  static Tensor adjust_some(const Tensor& images, int operation, const std::vector<int64_t>& which,
                            const std::vector<double>& factors) {
    const auto adjust = [&](const Tensor& some) {
      switch (operation) {
        case 0:
          return adjust_brightness(some, factors);
        case 1:
          return adjust_contrast(some, factors);
        case 2:
          return adjust_saturation(some, factors);
        default:
          return adjust_hue(some, factors);
      }
    };
    const auto count = static_cast<int64_t>(which.size());
    if (count == images.size(0)) return adjust(images);
    const Tensor places = to(from_values(which, {count}), images.device());
    return index_copy(images, 0, places, adjust(index_select(images, 0, places)));
  }

  JitterOptions options_;
};

}  // namespace

TransformPtr random_rotation(RotationOptions options) {
  return std::make_shared<RandomRotation>(std::move(options));
}
TransformPtr color_jitter(const JitterOptions& options) {
  return std::make_shared<ColorJitter>(options);
}

}  // namespace iolaus::nn::data
