// Winograd's minimal filtering for convolutions with stride 1 in float32: F(4x4, 3x3), whose tile
// of 4 x 4 outputs takes 36 products for each pair of channels instead of 144, and F(2x2, 5x5),
// where 36 stand for 100. Both read 6 x 6 inputs and use the same points. With the transforms of a
// tile, one matrix product for each of the 36 points, over all tiles at once:
//   out = output(input(x) * weight(w)),  dw = weight_gradient(input(x) * gradient(g))
// and the gradient of the input is the convolution of g with the weights turned round. Transforms
// work on vectors of channels: planes are transposed on the way in and out.
// Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2015). Their points
// 0, +-1, +-2 lose two digits; 0, +-sqrt(1/2), +-sqrt(2), as here, keep the error about twice that
// of direct convolution. An infinity in x reaches all outputs of its tiles, as NaN.
#pragma once

#include "kernels/conv2d/conv2d.h"

namespace iolaus::winograd {

inline constexpr int64_t kPoints = 36;  // of a transformed tile: 6 x 6

/// Outputs of a tile along a side, for a kernel of 3 or 5.
inline int64_t tile_of(int64_t kernel) { return 7 - kernel; }
/// Tiles of that side which cover an image's outputs.
inline int64_t tiles_of(int64_t tile, int64_t height, int64_t width) {
  return ((height + tile - 1) / tile) * ((width + tile - 1) / tile);
}

/// Consecutive images, of which some channels that follow each other are read or written.
template <class T> struct Planes {
  T* data;  // first channel of the first image
  int64_t image_stride, channels, height, width;
};

/// Rows of tiles of consecutive images: T tiles, which one job transforms and multiplies.
struct Region {
  int64_t tile;  // outputs along a side
  int64_t images, first_row, rows, columns;
  int64_t tiles() const { return images * rows * columns; }
};

/// Channels in blocks of a vector's L elements.
int64_t lanes();
inline int64_t blocks(int64_t channels) { return (channels + lanes() - 1) / lanes(); }
/// Elements between the points of (36, blocks, rows, L): an odd number of vectors, so that the
/// points of one tile don't fall on the same lines of the cache.
inline int64_t point_stride(int64_t blocks, int64_t rows) { return (blocks * rows | 1) * lanes(); }
/// Elements of the transformed tiles or weights.
inline int64_t transformed_size(int64_t channels, int64_t rows) {
  return kPoints * point_stride(blocks(channels), rows);
}

/// x -> (36, C / L, T, L): tile (r, c) reads 6 x 6 pixels from (r, c) * tile - padding; zeros
/// outside.
void transform_input(const Planes<const float>& x, const Region& region, const int64_t* padding,
                     float* tiles);
/// g -> (36, K / L, T, L): tile (r, c) reads tile x tile pixels from (r, c) * tile.
void transform_gradient(const Planes<const float>& g, const Region& region, float* tiles);
/// (36, K / L, T, L) -> out, with bias (K) or null added.
void transform_output(const float* tiles, const Region& region, const float* bias,
                      const Planes<float>& out);

/// Where the weight of channels (k, c) lies: kernel^2 elements from k * k_stride + c * c_stride, in
/// reverse order where turned.
struct WeightLayout {
  int64_t kernel;
  int64_t channels, out_channels, c_stride, k_stride;
  bool turned;
};
/// weight -> (36, K / L, C, L).
void transform_weight(const float* weight, const WeightLayout& layout, float* transformed);
/// (36, K / L, C, L) -> dw as (kernel^2, C, K rounded up to L).
void transform_weight_gradient(const float* transformed, int64_t kernel, int64_t channels,
                               int64_t out_channels, float* dw);

/// out (36, K / L, T, L) = tiles (36, C / L, T, L) * weight (36, K / L, C, L).
void multiply(const float* tiles, const float* weight, int64_t count, int64_t channels,
              int64_t out_channels, float* out);
/// dw (36, K / L, C, L) = or += the sum over tiles of x (36, C / L, T, L) * g (36, K / L, T, L).
void multiply_gradient(const float* x, const float* g, int64_t count, int64_t channels,
                       int64_t out_channels, bool add, float* dw);

}  // namespace iolaus::winograd
