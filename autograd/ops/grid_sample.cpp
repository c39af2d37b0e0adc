// grid_sample and pixel_shuffle. A sample is a sum over the corners around its place: for each a
// gather from the flat image, times a weight that is a function of the grid.
#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/view.h"
#include "autograd/ops/vision.h"
#include "autograd/ops/widen.h"
#include "autograd/record.h"

namespace iolaus {
namespace {

// Coordinates -1 to 1 as pixels.
Tensor to_pixels(const Tensor& grid, int64_t size, bool corners) {
  const auto n = static_cast<double>(size);
  return corners ? mul(add(grid, 1), (n - 1) / 2) : div(sub(mul(add(grid, 1), n), 1), 2);
}

// Places outside come back in by reflection at low and high.
Tensor reflect(const Tensor& x, double low, double high) {
  if (high <= low) return mul(x, 0);
  const double span = high - low;
  const Tensor distance = abs(sub(x, low));
  const Tensor flips = floor(div(distance.detach(), span));
  const Tensor rest = sub(distance, mul(flips, span));
  const Tensor even = eq(remainder(flips, 2), 0);
  return where(even, add(rest, low), sub(span + low, rest));
}

Tensor limit(const Tensor& x, int64_t size, const std::string& padding, bool corners) {
  const auto n = static_cast<double>(size);
  if (padding == "zeros") return x;
  const Tensor inside = padding == "border" ? x
                        : corners           ? reflect(x, 0, n - 1)
                                            : reflect(x, -0.5, n - 0.5);
  return clamp(inside, 0, n - 1);
}

struct Sampler {
  Tensor flat;  // (N, C, D H W)
  Dims sizes;   // of the image's dimensions
  std::string padding;
  bool corners;

  // The pixels at whole places[d] (N, L); 0 outside where padding is zeros.
  Tensor pixels(const std::vector<Tensor>& places) const {
    Tensor index, inside;
    for (size_t d = 0; d < places.size(); ++d) {
      Tensor place = places[d].detach();
      if (padding != "zeros") place = limit(place, sizes[d], padding, corners);
      const Tensor fits = logical_and(ge(place, 0), le(place, sizes[d] - 1));
      inside = inside.defined() ? logical_and(inside, fits) : fits;
      const Tensor safe = to(where(fits, place, 0), kInt64);
      index = index.defined() ? add(mul(index, sizes[d]), safe) : safe;
    }
    const Dims wide{flat.sizes()[0], flat.sizes()[1], index.size(-1)};
    const Tensor found = gather(flat, 2, expand(unsqueeze(index, 1), wide));
    return where(unsqueeze(inside, 1), found, 0);
  }
};

using Points = std::vector<Tensor>;  // one (N, L) for each dimension of the image

Tensor sample_linear(const Sampler& s, const Points& points) {
  const size_t dims = points.size();
  Tensor out;
  for (size_t corner = 0; corner < size_t{1} << dims; ++corner) {
    Points places;
    Tensor weight;
    for (size_t d = 0; d < dims; ++d) {
      const Tensor first = floor(points[d].detach());
      const Tensor rest = sub(points[d], first);
      const bool next = corner >> d & 1u;
      places.push_back(next ? add(first, 1) : first);
      const Tensor w = next ? rest : sub(1, rest);
      weight = weight.defined() ? mul(weight, w) : w;
    }
    const Tensor part = mul(s.pixels(places), unsqueeze(weight, 1));
    out = out.defined() ? add(out, part) : part;
  }
  return out;
}

// Weights of the four pixels around, from the fraction behind the second (Keys 1981, a = -3/4).
std::vector<Tensor> cubic_weights(const Tensor& t) {
  constexpr double kA = -0.75;
  const auto near = [](const Tensor& d) {
    return add(mul(square(d), sub(mul(d, kA + 2), kA + 3)), 1);
  };
  const auto far = [](const Tensor& d) {
    return sub(mul(add(mul(sub(mul(d, kA), 5 * kA), d), 8 * kA), d), 4 * kA);
  };
  return {far(add(t, 1)), near(t), near(sub(1, t)), far(sub(2, t))};
}

// The sum over 4 pixels in each dimension.
Tensor sample_cubic(const Sampler& s, const Points& points) {
  const size_t dims = points.size();
  Points first;
  std::vector<std::vector<Tensor>> weights;
  for (const Tensor& p : points) {
    first.push_back(floor(p.detach()));
    weights.push_back(cubic_weights(sub(p, first.back())));
  }
  Tensor out;
  for (size_t tap = 0; tap < size_t{1} << (2 * dims); ++tap) {
    Points places;
    Tensor weight;
    for (size_t d = 0; d < dims; ++d) {
      const size_t i = tap >> (2 * (dims - 1 - d)) & 3u;  // the last dimension is the fastest
      places.push_back(add(first[d], static_cast<int64_t>(i) - 1));
      weight = weight.defined() ? mul(weight, weights[d][i]) : weights[d][i];
    }
    const Tensor part = mul(s.pixels(places), unsqueeze(weight, 1));
    out = out.defined() ? add(out, part) : part;
  }
  return out;
}

// Images before the last three dimensions; also where there are no elements.
int64_t outer_count(const Tensor& x) {
  int64_t count = 1;
  for (int64_t d = 0; d + 3 < x.dim(); ++d) count *= x.sizes()[static_cast<size_t>(d)];
  return count;
}

void check_factor(const char* op, int64_t factor) {
  constexpr int64_t kMost = 32768;  // whose square is an int
  IOLAUS_CHECK(factor > 0 && factor <= kMost, "[{}] expected a factor of 1 to {}, got {}", op,
               kMost, factor);
}

const bool kBoxed =
    boxed(
        "grid_sample(Tensor input, Tensor grid, str mode='bilinear', str padding_mode='zeros', "
        "bool? align_corners=None) -> Tensor",
        +[](const Tensor& x, const Tensor& grid, const std::string& mode,
            const std::string& padding, std::optional<bool> corners) {
          return grid_sample(x, grid, mode, padding, corners.value_or(false));
        }) &&
    boxed("pixel_shuffle(Tensor input, int upscale_factor) -> Tensor", pixel_shuffle) &&
    boxed("pixel_unshuffle(Tensor input, int downscale_factor) -> Tensor", pixel_unshuffle);

const bool kSamples =
    register_op(
        {"grid_sample",
         [] {
           std::vector<OpSample> samples;
           for (const char* padding : {"zeros", "border", "reflection"}) {
             for (const char* mode : {"bilinear", "bicubic"}) {
               samples.push_back(
                   {std::string(mode) + " " + padding,
                    {sample64({1, 2, 3, 4}, 1), sample64({1, 2, 2, 2}, 2, -0.8, 0.8)},
                    [=](const Tensors& x) { return grid_sample(x[0], x[1], mode, padding); }});
             }
           }
           return samples;
         }}) &&
    register_op({"pixel_shuffle",
                 [] {
                   return std::vector<OpSample>{
                       {"sample", {sample64({1, 8, 2, 3}, 1)}, [](const Tensors& x) {
                          return pixel_shuffle(x[0], 2);
                        }}};
                 }}) &&
    register_op({"pixel_unshuffle", [] {
                   return std::vector<OpSample>{
                       {"sample", {sample64({1, 2, 4, 6}, 1)}, [](const Tensors& x) {
                          return pixel_unshuffle(x[0], 2);
                        }}};
                 }});

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const std::string& mode,
                   const std::string& padding, bool corners) {
  if (autocast::on())
    return autocast::call("grid_sample", grid_sample, x, grid, mode, padding, corners);
  const int64_t dims = x.dim() - 2;
  IOLAUS_CHECK(
      (dims == 2 || dims == 3) && grid.dim() == x.dim() && grid.size(-1) == dims &&
          grid.sizes()[0] == x.sizes()[0],
      "[grid_sample] expected (N, C, H, W) and (N, H', W', 2), or with one dimension more, "
      "got {} and {}",
      x.describe(), grid.describe());
  IOLAUS_CHECK_CODE(x.dtype() == grid.dtype() && is_floating(x.dtype()), ErrorCode::kType,
                    "[grid_sample] expected floating tensors of one dtype, got {} and {}",
                    x.describe(), grid.describe());
  IOLAUS_CHECK(padding == "zeros" || padding == "border" || padding == "reflection",
               "[grid_sample] expected padding_mode zeros, border or reflection, got '{}'",
               padding);
  IOLAUS_CHECK(mode == "bilinear" || mode == "nearest" || mode == "bicubic",
               "[grid_sample] expected mode bilinear, nearest or bicubic, got '{}'", mode);
  const Dims sizes(x.sizes().data() + 2, static_cast<size_t>(dims));
  for (int64_t size : sizes) {
    IOLAUS_CHECK(size > 0, "[grid_sample] expected images with elements, got {}", x.describe());
  }
  const int64_t batch = x.sizes()[0], count = batch == 0 ? 0 : grid.numel() / (batch * dims);
  Points points;
  for (int64_t d = 0; d < dims; ++d) {  // the grid names the last dimension first
    const Tensor raw = reshape(select(widened(grid), -1, dims - 1 - d), {batch, count});
    const Tensor place = to_pixels(raw, sizes[static_cast<size_t>(d)], corners);
    const bool raw_place = mode == "bicubic";
    points.push_back(raw_place ? place
                               : limit(place, sizes[static_cast<size_t>(d)], padding, corners));
  }
  int64_t pixels = 1;
  for (int64_t size : sizes) pixels *= size;
  const Sampler sampler{reshape(widened(x), {batch, x.sizes()[1], pixels}), sizes, padding,
                        corners};
  Tensor out;
  if (mode == "nearest") {
    for (Tensor& p : points) p = round(p.detach());
    out = sampler.pixels(points);
  } else {
    out = mode == "bicubic" ? sample_cubic(sampler, points) : sample_linear(sampler, points);
  }
  Dims result = grid.sizes();
  result.erase(result.size() - 1);
  result.insert(1, x.sizes()[1]);
  return to(reshape(out, result), x.dtype());
}

Tensor pixel_shuffle(const Tensor& x, int64_t factor) {
  check_factor("pixel_shuffle", factor);
  IOLAUS_CHECK(x.dim() >= 3 && factor > 0 && x.size(-3) % (factor * factor) == 0,
               "[pixel_shuffle] expected (..., C {}^2, H, W), got {}", factor, x.describe());
  const int64_t c = x.size(-3) / (factor * factor), h = x.size(-2), w = x.size(-1);
  Dims sizes = x.sizes();
  const Tensor parts = reshape(x, {outer_count(x), c, factor, factor, h, w});
  sizes[sizes.size() - 3] = c, sizes[sizes.size() - 2] = h * factor,
                       sizes[sizes.size() - 1] = w * factor;
  return reshape(permute(parts, {0, 1, 4, 2, 5, 3}), sizes);
}

Tensor pixel_unshuffle(const Tensor& x, int64_t factor) {
  check_factor("pixel_unshuffle", factor);
  IOLAUS_CHECK(x.dim() >= 3 && factor > 0 && x.size(-2) % factor == 0 && x.size(-1) % factor == 0,
               "[pixel_unshuffle] expected (..., C, H, W) with sides divisible by {}, got {}",
               factor, x.describe());
  const int64_t c = x.size(-3), h = x.size(-2) / factor, w = x.size(-1) / factor;
  Dims sizes = x.sizes();
  const Tensor parts = reshape(x, {outer_count(x), c, h, factor, w, factor});
  sizes[sizes.size() - 3] = c * factor * factor, sizes[sizes.size() - 2] = h,
                       sizes[sizes.size() - 1] = w;
  return reshape(permute(parts, {0, 1, 3, 5, 2, 4}), sizes);
}

}  // namespace iolaus
