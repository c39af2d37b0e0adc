// The register-tiled loop of direct convolution. The tile is B channels by P vectors of pixels,
// chosen so that accumulators fill the register file (8 x 3 = 24 of 32 with AVX-512, 12 of 16 else)
// and each loaded vector is used B times. Sums run over the taps in order, so the result does not
// depend on the tile.
#include "kernels/conv2d/direct.h"

#include <algorithm>
#include <type_traits>

#include "kernels/vector.h"

namespace iolaus::direct {
namespace {

// B channels at pixels [0, P vectors).
template <class T, int kBytes, int B, int P>
inline void tile(const Correlation<T>& c, const T* x, const T* weight, const T* bias, T* out) {
  using V = Vector<T, kBytes>;
  constexpr int64_t kLanes = kBytes / static_cast<int>(sizeof(T));
  V sum[B][P];
  for (int b = 0; b < B; ++b) {
    for (int p = 0; p < P; ++p) sum[b][p] = V{} + (bias != nullptr ? bias[b] : T(0));
  }
  for (int64_t t = 0; t < c.taps; ++t) {
    const T* at = x + c.offsets[t];
    V v[P];
    for (int p = 0; p < P; ++p) v[p] = load_vector<V>(at + p * kLanes);
    for (int b = 0; b < B; ++b) {
      for (int p = 0; p < P; ++p) sum[b][p] += weight[t * B + b] * v[p];
    }
  }
  for (int b = 0; b < B; ++b) {
    for (int p = 0; p < P; ++p) store_vector(out + b * c.out_stride + p * kLanes, sum[b][p]);
  }
}

// All pixels of `blocks` equal blocks of channels from channel k. The last tile is moved back to
// end with the last pixel: it computes some pixels again rather than reading past the end.
template <class T, int kBytes, int B, int P>
inline void strips(const Correlation<T>& c, int64_t k, int64_t blocks) {
  constexpr int64_t kPixels = P * kBytes / static_cast<int>(sizeof(T));
  static_assert(kPixels <= kSlack);
  for (int64_t p = 0; p < c.pixels; p += kPixels) {
    const int64_t at = std::max<int64_t>(0, std::min(p, c.pixels - kPixels));
    for (int64_t b = k; b < k + blocks * B; b += B) {
      tile<T, kBytes, B, P>(c, c.x + at, c.weight + b * c.taps,
                            c.bias != nullptr ? c.bias + b : nullptr,
                            c.out + b * c.out_stride + at);
    }
  }
}

template <class T, int kBytes> inline void correlate_at(const Correlation<T>& c) {
  for (int64_t k = 0; k < c.channels;) {
    const int64_t block = channel_block(c.channels - k);
    int64_t blocks = 1;
    while (channel_block(c.channels - k - blocks * block) == block) ++blocks;
    if constexpr (kBytes == 64) {
      if (block == 8) strips<T, kBytes, 8, 3>(c, k, blocks);
      if (block == 6) strips<T, kBytes, 6, 4>(c, k, blocks);
      if (block == 4) strips<T, kBytes, 4, 6>(c, k, blocks);
    } else {
      if (block == 6) strips<T, kBytes, 6, 2>(c, k, blocks);
      if (block == 4) strips<T, kBytes, 4, 3>(c, k, blocks);
    }
    if (block == 2) strips<T, kBytes, 2, 6>(c, k, blocks);
    if (block == 1) strips<T, kBytes, 1, 8>(c, k, blocks);
    k += blocks * block;
  }
}

}  // namespace

int64_t channel_block(int64_t left) {
  if (left <= 0) return 0;
  const bool wide = vector_bytes() == 64;
  if (wide && left >= 8 && left != 10 && left != 12) return 8;
  if (left >= 6 && (wide || left != 8)) return 6;
  return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

template <class T> void correlate(const Correlation<T>& c) {
  run_wide([&](auto bytes) { correlate_at<T, decltype(bytes)::value>(c); });
}

template <class T>
void pack_weights(const T* weight, int64_t channel_stride, const int64_t* tap_offsets, int64_t taps,
                  int64_t channels, T* packed) {
  const auto pack_block = [&](auto width, const T* from, T* to) {
    constexpr int64_t kBlock = decltype(width)::value;
    for (int64_t t = 0; t < taps; ++t, to += kBlock) {
      for (int64_t b = 0; b < kBlock; ++b) to[b] = from[b * channel_stride + tap_offsets[t]];
    }
  };
  for (int64_t k = 0; k < channels;) {
    const int64_t block = channel_block(channels - k);
    const T* from = weight + k * channel_stride;
    T* to = packed + k * taps;
    if (block == 8) pack_block(std::integral_constant<int, 8>{}, from, to);
    if (block == 6) pack_block(std::integral_constant<int, 6>{}, from, to);
    if (block == 4) pack_block(std::integral_constant<int, 4>{}, from, to);
    if (block == 2) pack_block(std::integral_constant<int, 2>{}, from, to);
    if (block == 1) pack_block(std::integral_constant<int, 1>{}, from, to);
    k += block;
  }
}

template void correlate(const Correlation<float>&);
template void correlate(const Correlation<double>&);
template void pack_weights(const float*, int64_t, const int64_t*, int64_t, int64_t, float*);
template void pack_weights(const double*, int64_t, const int64_t*, int64_t, int64_t, double*);

}  // namespace iolaus::direct
