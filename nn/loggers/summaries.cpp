// Scalars, texts, images and histograms.
#include "nn/loggers/summaries.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "nn/loggers/png.h"

namespace iolaus::nn {
namespace {

constexpr int kTypeString = 7;  // tensorboard/compat/proto/types.proto

Proto one_value(const Proto& value) { return Proto().message(1, value); }

uint8_t byte_of(float value) {
  const float scaled = value * 255;
  return static_cast<uint8_t>(scaled >= 255 ? 255 : scaled > 0 ? scaled : 0);  // NaN: 0
}

std::vector<double> make_limits() {
  std::vector<double> positive;
  for (double v = 1e-12; v < 1e20; v *= 1.1) positive.push_back(v);
  std::vector<double> limits(positive.rbegin(), positive.rend());
  for (double& v : limits) v = -v;
  limits.push_back(0);
  limits.insert(limits.end(), positive.begin(), positive.end());
  return limits;
}

}  // namespace

Proto scalar_summary(const std::string& tag, double value) {
  return one_value(Proto().text(1, tag).one_single(2, static_cast<float>(value)));
}

Proto text_summary(const std::string& tag, const std::string& text) {
  const Proto shape = Proto().message(2, Proto().integer(1, 1));
  const Proto tensor = Proto().integer(1, kTypeString).message(2, shape).one_text(8, text);
  // The plugin's own data is a version, 0, which is left out.
  const Proto metadata = Proto().message(1, Proto().text(1, "text"));
  return one_value(Proto().text(1, tag + "/text_summary").message(8, tensor).message(9, metadata));
}

Proto image_summary(const std::string& tag, const Tensor& image) {
  const bool floating = is_floating(image.dtype());
  IOLAUS_CHECK(image.dim() == 3 && (floating || image.dtype() == kUInt8),
               "[log_image] '{}': expected (C, H, W) of uint8 or floats in [0, 1], got {} of {}",
               tag, image.sizes().str(), dtype_name(image.dtype()));
  const int64_t channels = image.size(0), height = image.size(1), width = image.size(2);
  IOLAUS_CHECK((channels == 1 || channels == 3 || channels == 4) && height > 0 && width > 0,
               "[log_image] '{}': expected 1, 3 or 4 channels and at least one pixel, got {}", tag,
               image.sizes().str());
  std::vector<uint8_t> planes;
  if (floating) {
    for (const float value : image.to_vector<float>()) planes.push_back(byte_of(value));
  } else {
    planes = image.to_vector<uint8_t>();
  }
  const auto pixels = static_cast<size_t>(height * width), count = static_cast<size_t>(channels);
  std::vector<uint8_t> interleaved(planes.size());
  for (size_t c = 0; c < count; ++c) {
    for (size_t i = 0; i < pixels; ++i) interleaved[i * count + c] = planes[c * pixels + i];
  }
  Proto message;
  message.integer(1, height).integer(2, width).integer(3, channels);
  message.text(4, encode_png(interleaved, width, height, channels));
  return one_value(Proto().text(1, tag).message(4, message));
}

Proto histogram_summary(const std::string& tag, std::vector<double> values) {
  static const std::vector<double> kLimits = make_limits();
  std::vector<double> counts(kLimits.size() - 1);
  double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0, squares = 0;
  size_t first = counts.size(), last = 0;
  for (const double value : values) {
    low = value < low || std::isnan(value) ? value : low;
    high = value > high || std::isnan(value) ? value : high;
    sum += value;
    squares += value * value;
    if (!(value >= kLimits.front() && value <= kLimits.back())) continue;
    const auto above = std::upper_bound(kLimits.begin(), kLimits.end(), value);
    const auto bin = std::min(static_cast<size_t>(above - kLimits.begin()) - 1, counts.size() - 1);
    ++counts[bin];
    first = std::min(first, bin);
    last = std::max(last, bin);
  }
  IOLAUS_CHECK(first <= last, "[log_histogram] '{}': none of its {} values is finite", tag,
               values.size());
  // TensorBoard has right limits only: an empty bin in front gives the first one its left limit.
  const auto at = [](const std::vector<double>& v, size_t i) {
    return v.begin() + static_cast<int64_t>(i);
  };
  std::vector<double> shown{0};
  shown.insert(shown.end(), at(counts, first), at(counts, last + 1));
  const std::vector<double> limits(at(kLimits, first), at(kLimits, last + 2));
  Proto histogram;
  histogram.real(1, low).real(2, high).real(3, static_cast<double>(values.size()));
  histogram.real(4, sum).real(5, squares).reals(6, limits).reals(7, shown);
  return one_value(Proto().text(1, tag).message(5, histogram));
}

}  // namespace iolaus::nn
