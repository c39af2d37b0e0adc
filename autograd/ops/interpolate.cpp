// interpolate: one dimension after the other, each a weighted sum of a few looked-up slices. Where
// a pixel's centre lies follows PyTorch: (i + 1/2) scale - 1/2, or i scale with align_corners.
#include <cmath>

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/ops/vision.h"
#include "autograd/ops/widen.h"
#include "core/views.h"

namespace iolaus {
namespace {

enum class Mode { kNearest, kNearestExact, kLinear, kCubic, kArea };

Mode parse_mode(const std::string& text, int64_t dims) {
  if (text == "nearest") return Mode::kNearest;
  if (text == "nearest-exact") return Mode::kNearestExact;
  if (text == "area") return Mode::kArea;
  if (text == "bicubic" && dims == 2) return Mode::kCubic;
  const char* linear[] = {"linear", "bilinear", "trilinear"};
  IOLAUS_CHECK(text == linear[dims - 1],
               "[interpolate] mode '{}' does not fit an input with {} dimensions to resize", text,
               dims);
  return Mode::kLinear;
}

// Taps of one output element: the i-th slice of each tap has this index and weight.
struct Taps {
  std::vector<std::vector<int64_t>> indices;
  std::vector<std::vector<double>> weights;
};

// Cubic convolution with a = -3/4 (Keys 1981).
double cubic_weight(double distance) {
  constexpr double kA = -0.75;
  const double d = std::abs(distance);
  if (d <= 1) return ((kA + 2) * d - (kA + 3)) * d * d + 1;
  return d < 2 ? ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA : 0;
}

Taps make_taps(Mode mode, int64_t size, int64_t target, double scale, bool corners) {
  const size_t count = mode == Mode::kCubic ? 4 : mode == Mode::kLinear ? 2 : 1;
  Taps taps{std::vector<std::vector<int64_t>>(count), std::vector<std::vector<double>>(count)};
  const auto add_tap = [&](size_t tap, int64_t index, double weight) {
    taps.indices[tap].push_back(std::clamp<int64_t>(index, 0, size - 1));
    taps.weights[tap].push_back(weight);
  };
  for (int64_t i = 0; i < target; ++i) {
    const auto at = static_cast<double>(i);
    if (count == 1) {
      // PyTorch computes this place in float.
      const auto step = static_cast<float>(scale);
      const float place = mode == Mode::kNearest ? static_cast<float>(i) * step
                                                 : (static_cast<float>(i) + 0.5f) * step;
      add_tap(0, static_cast<int64_t>(std::floor(place)), 1);
      continue;
    }
    double place = corners ? at * scale : (at + 0.5) * scale - 0.5;
    if (mode == Mode::kLinear) {
      place = std::max(place, 0.0);
      const auto first = std::min(static_cast<int64_t>(place), size - 1);
      const double rest = std::min(place - static_cast<double>(first), 1.0);
      add_tap(0, first, 1 - rest);
      add_tap(1, first + 1, rest);
    } else {
      const double first = std::floor(place);
      for (int k = 0; k < 4; ++k) {
        add_tap(static_cast<size_t>(k), static_cast<int64_t>(first) - 1 + k,
                cubic_weight(place - (first - 1 + k)));
      }
    }
  }
  return taps;
}

Tensor resize(const Tensor& x, int64_t d, const Taps& taps) {
  const auto count = static_cast<int64_t>(taps.indices[0].size());
  Tensor out;
  for (size_t k = 0; k < taps.indices.size(); ++k) {
    const Tensor index = to(from_values(taps.indices[k], {count}), x.device());
    Tensor part = index_select(x, d, index);
    if (taps.indices.size() > 1) {
      Dims shape = Dims::filled(x.sizes().size(), 1);
      shape[static_cast<size_t>(d)] = count;
      const Tensor weights = to(from_values(taps.weights[k], {count}), x.dtype(), x.device());
      part = mul(part, reshape(weights, shape));
    }
    out = out.defined() ? add(out, part) : part;
  }
  return out;
}

// The mean over parts of as equal size as possible, as adaptive average pooling.
Tensor area(const Tensor& x, int64_t d, int64_t target) {
  Tensors parts;
  const int64_t size = x.sizes()[static_cast<size_t>(d)];
  for (int64_t i = 0; i < target; ++i) {
    const int64_t begin = i * size / target, end = ((i + 1) * size + target - 1) / target;
    parts.push_back(mean(narrow(x, d, begin, end - begin), {d}, true));
  }
  return cat(parts, d);
}

const bool kBoxed = boxed(
    "interpolate(Tensor input, int[]? size=None, float[]? scale_factor=None, str mode='nearest', "
    "bool? align_corners=None, bool? recompute_scale_factor=None, bool antialias=False) -> Tensor",
    +[](const Tensor& x, const Dims& size, std::optional<Floats> scale, const std::string& mode,
        std::optional<bool> corners, std::optional<bool> recompute, bool antialias) {
      IOLAUS_CHECK_CODE(!antialias, ErrorCode::kUnsupported,
                        "[interpolate] antialias is not supported");
      const bool smooth = mode != "nearest" && mode != "nearest-exact" && mode != "area";
      IOLAUS_CHECK(smooth || !corners, "[interpolate] align_corners does not fit mode '{}'", mode);
      return interpolate(x, {size, scale.value_or(Floats{}), mode, corners.value_or(false),
                             recompute.value_or(false)});
    });

std::vector<OpSample> samples() {
  const auto with = [](const InterpolateOptions& options) {
    return [options](const Tensors& x) { return interpolate(x[0], options); };
  };
  return {{"nearest", {sample64({1, 2, 3}, 1)}, with({{5}, {}, "nearest"})},
          {"bilinear", {sample64({1, 2, 3, 4}, 2)}, with({{5, 2}, {}, "bilinear"})},
          {"corners", {sample64({1, 1, 3, 4}, 3)}, with({{}, {2, 1.5}, "bilinear", true})},
          {"bicubic", {sample64({1, 1, 3, 4}, 4)}, with({{5, 3}, {}, "bicubic"})},
          {"area", {sample64({1, 1, 5, 4}, 5)}, with({{3, 3}, {}, "area"})},
          {"trilinear", {sample64({1, 1, 2, 3, 2}, 6)}, with({{3, 2, 3}, {}, "trilinear"})}};
}
const bool kSamples = register_op({"interpolate", samples});

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& o) {
  if (autocast::on()) return autocast::call("interpolate", interpolate, x, o);
  const int64_t dims = x.dim() - 2;
  IOLAUS_CHECK(dims >= 1 && dims <= 3,
               "[interpolate] expected (N, C, ...) of 3 to 5 dimensions, got {}", x.describe());
  IOLAUS_CHECK(o.size.empty() != o.scale_factor.empty(),
               "[interpolate] expected either size or scale_factor");
  const Mode mode = parse_mode(o.mode, dims);
  const auto entry = [&](const auto& list, int64_t i) {
    IOLAUS_CHECK(list.size() == 1 || static_cast<int64_t>(list.size()) == dims,
                 "[interpolate] expected 1 or {} numbers, got {}", dims, list.size());
    return list[list.size() == 1 ? 0 : static_cast<size_t>(i)];
  };
  Tensor out = widened(x);
  for (int64_t i = 0; i < dims; ++i) {
    const int64_t d = i + 2, size = x.sizes()[static_cast<size_t>(d)];
    IOLAUS_CHECK(size > 0, "[interpolate] expected images with elements, got {}", x.describe());
    const double factor = o.scale_factor.empty() ? 0 : entry(o.scale_factor, i);
    const int64_t target =
        o.scale_factor.empty()
            ? entry(o.size, i)
            : static_cast<int64_t>(std::floor(static_cast<double>(size) * factor));
    IOLAUS_CHECK(target > 0 && target < (int64_t{1} << 31),
                 "[interpolate] expected sizes above 0 and below 2^31, got {}", target);
    double scale = static_cast<double>(size) / static_cast<double>(target);
    if (factor > 0 && !o.recompute_scale_factor) scale = 1 / factor;
    if (o.align_corners) {
      scale = target > 1 ? static_cast<double>(size - 1) / static_cast<double>(target - 1) : 0;
    }
    out = mode == Mode::kArea
              ? area(out, d, target)
              : resize(out, d, make_taps(mode, size, target, scale, o.align_corners));
  }
  return to(out, x.dtype());
}

}  // namespace iolaus
