// Transforms of image batches, with torchvision's names and meaning. One works on a whole batch, on
// the CPU or where the batch is, and what it draws is a function of the key and the sample's index
// alone: neither workers, nor batches, nor devices change it.
//
// Images are uint8 (0 to 255) or float32. Those of a dataset begin as uint8; where they still are
// uint8 behind the last transform, the dataset normalises them as it does without transforms. A
// list as torchvision has it, [RandomCrop, ..., ToTensor, Normalize], does that itself.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/philox.h"
#include "core/tensor.h"

namespace iolaus::nn::data {

/// (x / 255 - mean) / std for each channel; the defaults leave x / 255.
struct Normalization {
  std::vector<float> mean = {0};
  std::vector<float> std = {1};
};

class Transform {
 public:
  virtual ~Transform() = default;
  /// images (B, C, H, W), contiguous -> the same, with other H and W where the transform changes
  /// them. indices (B) are the samples' numbers in their dataset. Called from several threads.
  /// Errors: kInvalidArgument for sizes that it cannot do, kType for dtypes.
  virtual Tensor apply(const Tensor& images, std::span<const int64_t> indices,
                       PhiloxKey key) const = 0;
  /// Whether images that come in one size may leave in several: then Compose takes them one by one.
  virtual bool varies_in_size() const { return false; }
};
using TransformPtr = std::shared_ptr<const Transform>;

/// One after the other; each draws numbers of its own. ToTensor followed by Normalize is one step.
TransformPtr compose(std::vector<TransformPtr> transforms);
/// uint8 to float32 in [0, 1]; float32 stays.
TransformPtr to_tensor();
/// (x - mean) / std of float32 images, for each channel. Errors: kInvalidArgument for deviations
/// that are not positive; kType for uint8 images (ToTensor goes before).
TransformPtr normalize(Normalization normalization);

enum class PadMode { kConstant, kEdge, kReflect, kSymmetric };

/// left, top, right and bottom.
struct Padding {
  int64_t left = 0, top = 0, right = 0, bottom = 0;
};
TransformPtr pad(const Padding& padding, double fill = 0, PadMode mode = PadMode::kConstant);

struct CropOptions {
  int64_t height = 0, width = 0;
  Padding padding = {};
  bool pad_if_needed = false;
  double fill = 0;
  PadMode mode = PadMode::kConstant;
};
/// Any place of the padded image, equally likely. Errors: kInvalidArgument where it is smaller.
TransformPtr random_crop(const CropOptions& options);
/// The middle; smaller images are padded with 0.
TransformPtr center_crop(int64_t height, int64_t width);
TransformPtr random_horizontal_flip(double p = 0.5);
TransformPtr random_vertical_flip(double p = 0.5);
/// Bilinear, and with antialias a triangle filter as wide as the step where it shrinks (as
/// torch.nn.functional.interpolate). width 0: height is the length of the shorter edge.
TransformPtr resize(int64_t height, int64_t width = 0, bool antialias = true);

struct ErasingOptions {
  double p = 0.5;
  double min_scale = 0.02, max_scale = 0.33;  // of the image's area
  double min_ratio = 0.3, max_ratio = 3.3;    // of height to width
  double value = 0;
};
/// A rectangle of random size, shape and place becomes value. (Zhong et al. 2017)
TransformPtr random_erasing(const ErasingOptions& options = {});
struct RotationOptions {
  double min_degrees = 0, max_degrees = 0;
  bool bilinear = false;  // else the nearest pixel
  bool expand = false;    // as large as the rotated image, not as the image
  std::optional<std::array<double, 2>> center = {};  // x and y in pixels; default: the middle
  std::vector<double> fill = {0};                    // of what was outside; one, or of each channel
};
/// Rotated anticlockwise by an angle of the range. With expand the sizes of images differ: in a
/// Compose that makes them equal again (CenterCrop, Resize) each image is done alone.
TransformPtr random_rotation(RotationOptions options);

struct JitterRange {
  double min = 0, max = 0;
};
struct JitterOptions {
  std::optional<JitterRange> brightness = {}, contrast = {}, saturation = {};  // factors >= 0
  std::optional<JitterRange> hue = {};                                         // in [-0.5, 0.5]
};
/// The four in an order that is drawn too, each with a factor of its range; those without a range
/// are left out. Images of one or three channels; with float32 in [0, 1], so before Normalize.
TransformPtr color_jitter(const JitterOptions& options);
/// A square around a random pixel becomes value; it may reach outside. (DeVries and Taylor 2017)
TransformPtr cutout(int64_t size, double value = 0);

}  // namespace iolaus::nn::data
