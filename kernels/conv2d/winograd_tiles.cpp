// Transforms of tiles for winograd.h. A band of a block of channels is transposed to pixels of
// L channels, which stay in the L2 cache; columns are transformed for a whole row of tiles, whose
// neighbours share them, then the rows of each tile.
#include <algorithm>
#include <cstring>

#include "kernels/conv2d/winograd.h"
#include "kernels/conv2d/winograd_transform.h"
#include "kernels/scratch.h"
#include "kernels/vector.h"

namespace iolaus::winograd {
namespace {

template <int kBytes> constexpr int kLanes = kBytes / 4;

// rows (L, L) of a square to its columns, by exchanging halves, quarters and so on.
template <int kBytes> inline void transpose(Vector<float, kBytes>* rows) {
  constexpr int L = kLanes<kBytes>;
  using Index = Vector<int32_t, kBytes>;
  const auto exchange = [&]<int kHalf>(std::integral_constant<int, kHalf>) {
    Index low{}, high{};
    for (int i = 0; i < L; ++i) {
      low[i] = i / kHalf % 2 * (L - kHalf) + i;
      high[i] = low[i] + kHalf;
    }
    for (int i = 0; i < L; ++i) {
      if (i / kHalf % 2 == 1) continue;
      const auto a = rows[i], b = rows[i + kHalf];
      rows[i] = __builtin_shuffle(a, b, low);
      rows[i + kHalf] = __builtin_shuffle(a, b, high);
    }
  };
  if constexpr (L >= 16) exchange(std::integral_constant<int, 8>{});
  if constexpr (L >= 8) exchange(std::integral_constant<int, 4>{});
  exchange(std::integral_constant<int, 2>{});
  exchange(std::integral_constant<int, 1>{});
}

// planes (channels, plane), of which `count` pixels, to pixels (count, L), zeros past channels.
template <int kBytes>
inline void to_pixels(const float* planes, int64_t plane, int64_t channels, int64_t count,
                      float* pixels) {
  using V = Vector<float, kBytes>;
  constexpr int64_t L = kLanes<kBytes>;
  alignas(kBytes) static constexpr float kZeros[L] = {};
  if (count < L) {
    std::memset(pixels, 0, static_cast<size_t>(count * L) * sizeof(float));
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < count; ++p) pixels[p * L + c] = planes[c * plane + p];
    }
    return;
  }
  for (int64_t p = 0; p < count; p += L) {
    const int64_t at = std::min(p, count - L);  // the last block overlaps
    V rows[L];
    for (int64_t c = 0; c < L; ++c) {
      rows[c] = load_vector<V>(c < channels ? planes + c * plane + at : kZeros);
    }
    transpose<kBytes>(rows);
    for (int64_t i = 0; i < L; ++i) store_vector(pixels + (at + i) * L, rows[i]);
  }
}

template <int kBytes>
inline void from_pixels(const float* pixels, int64_t count, int64_t plane, int64_t channels,
                        float* planes) {
  using V = Vector<float, kBytes>;
  constexpr int64_t L = kLanes<kBytes>;
  if (count < L) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < count; ++p) planes[c * plane + p] = pixels[p * L + c];
    }
    return;
  }
  for (int64_t p = 0; p < count; p += L) {
    const int64_t at = std::min(p, count - L);
    V rows[L];
    for (int64_t i = 0; i < L; ++i) rows[i] = load_vector<V>(pixels + (at + i) * L);
    transpose<kBytes>(rows);
    for (int64_t c = 0; c < L; ++c) {
      if (c < channels) store_vector(planes + c * plane + at, rows[c]);
    }
  }
}

// Tile (r, c) reads kIn x kIn pixels from (r, c) * kTile - padding.
template <int kBytes, int kTile, class Transform>
inline void to_tiles(const Planes<const float>& x, const Region& region, const int64_t* padding,
                     float* tiles) {
  using V = Vector<float, kBytes>;
  constexpr int64_t L = kLanes<kBytes>, kIn = Transform::kIn, kOut = Transform::kOut;
  const int64_t plane = x.height * x.width, count = region.tiles();
  const int64_t stride = point_stride(blocks(x.channels), count);
  const int64_t columns = region.columns * kTile + kIn - kTile;
  const int64_t top = region.first_row * kTile - padding[0];
  const int64_t first = std::clamp<int64_t>(top, 0, x.height);
  const int64_t last =
      std::clamp<int64_t>(top + region.rows * kTile + kIn - kTile, first, x.height);
  const int64_t begin = std::clamp<int64_t>(padding[1], 0, columns);
  const int64_t end = std::clamp<int64_t>(x.width + padding[1], begin, columns);
  Scratch<float> pixels((last - first) * x.width * L), zeros(x.width * L);
  Scratch<float> lines(kOut * columns * L);
  std::fill_n(zeros.data(), x.width * L, 0.0f);
  std::fill_n(lines.data(), kOut * columns * L, 0.0f);
  for (int64_t job = 0; job < region.images * blocks(x.channels); ++job) {
    const int64_t image = job / blocks(x.channels), block = job % blocks(x.channels);
    to_pixels<kBytes>(x.data + image * x.image_stride + block * L * plane + first * x.width, plane,
                      std::min(L, x.channels - block * L), (last - first) * x.width, pixels.data());
    float* to = tiles + (block * count + image * region.rows * region.columns) * L;
    for (int64_t r = 0; r < region.rows; ++r) {
      const float* rows[kIn];
      for (int64_t i = 0; i < kIn; ++i) {
        const int64_t y = top + r * kTile + i;
        const bool inside = y >= first && y < last;
        rows[i] = (inside ? pixels.data() + (y - first) * x.width * L : zeros.data()) +
                  (begin - padding[1]) * L;
      }
      for (int64_t at = 0; at < (end - begin) * L; at += L) {
        V in[kIn], out[kOut];
        for (int i = 0; i < kIn; ++i) in[i] = load_vector<V>(rows[i] + at);
        Transform::run(in, out);
        for (int i = 0; i < kOut; ++i) {
          store_vector(lines.data() + (i * columns + begin) * L + at, out[i]);
        }
      }
      for (int64_t c = 0; c < region.columns; ++c, to += L) {
        for (int64_t i = 0; i < kOut; ++i) {
          V in[kIn], out[kOut];
          const float* from = lines.data() + (i * columns + c * kTile) * L;
          for (int j = 0; j < kIn; ++j) in[j] = load_vector<V>(from + j * L);
          Transform::run(in, out);
          for (int j = 0; j < kOut; ++j) store_vector(to + (i * kOut + j) * stride, out[j]);
        }
      }
    }
  }
}

template <int kBytes, int kTile>
inline void from_tiles(const float* tiles, const Region& region, const float* bias,
                       const Planes<float>& out) {
  using V = Vector<float, kBytes>;
  constexpr int64_t L = kLanes<kBytes>;
  const int64_t plane = out.height * out.width, count = region.tiles();
  const int64_t stride = point_stride(blocks(out.channels), count);
  const int64_t top = region.first_row * kTile;
  const int64_t height = std::min(region.rows * kTile, out.height - top);
  Scratch<float> pixels(height * out.width * L);
  for (int64_t job = 0; job < region.images * blocks(out.channels); ++job) {
    const int64_t image = job / blocks(out.channels), block = job % blocks(out.channels);
    const int64_t channels = std::min(L, out.channels - block * L);
    const float* from = tiles + (block * count + image * region.rows * region.columns) * L;
    V shift{};
    if (bias != nullptr) {
      for (int64_t k = 0; k < channels; ++k) shift[k] = bias[block * L + k];
    }
    for (int64_t tile = 0; tile < region.rows * region.columns; ++tile, from += L) {
      const int64_t y = tile / region.columns * kTile, x = tile % region.columns * kTile;
      V in[kPoints], result[kTile * kTile];
      for (int64_t p = 0; p < kPoints; ++p) in[p] = load_vector<V>(from + p * stride);
      transform_square<Gather<kTile, false>>(in, result);
      float* to = pixels.data() + (y * out.width + x) * L;
      for (int64_t i = 0; i < kTile; ++i) {
        for (int64_t j = 0; j < kTile; ++j) {
          if (y + i >= height || x + j >= out.width) continue;
          store_vector(to + (i * out.width + j) * L, result[i * kTile + j] + shift);
        }
      }
    }
    from_pixels<kBytes>(pixels.data(), height * out.width, plane, channels,
                        out.data + image * out.image_stride + block * L * plane + top * out.width);
  }
}

}  // namespace

int64_t lanes() { return vector_bytes() / 4; }

void transform_input(const Planes<const float>& x, const Region& region, const int64_t* padding,
                     float* tiles) {
  run_wide([&](auto bytes) {
    constexpr int kBytes = decltype(bytes)::value;
    region.tile == 4 ? to_tiles<kBytes, 4, InputTransform>(x, region, padding, tiles)
                     : to_tiles<kBytes, 2, InputTransform>(x, region, padding, tiles);
  });
}

void transform_gradient(const Planes<const float>& g, const Region& region, float* tiles) {
  constexpr int64_t kNone[2] = {};
  run_wide([&](auto bytes) {
    constexpr int kBytes = decltype(bytes)::value;
    region.tile == 4 ? to_tiles<kBytes, 4, Evaluate<4, false>>(g, region, kNone, tiles)
                     : to_tiles<kBytes, 2, Evaluate<2, false>>(g, region, kNone, tiles);
  });
}

void transform_output(const float* tiles, const Region& region, const float* bias,
                      const Planes<float>& out) {
  run_wide([&](auto bytes) {
    constexpr int kBytes = decltype(bytes)::value;
    region.tile == 4 ? from_tiles<kBytes, 4>(tiles, region, bias, out)
                     : from_tiles<kBytes, 2>(tiles, region, bias, out);
  });
}

}  // namespace iolaus::winograd
