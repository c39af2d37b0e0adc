// The matrix products of winograd.h, one for each point, and the transforms of weights. Register
// tiles as in tile.cpp: rows of one operand as scalars times vectors of the other. Sums run over
// the channels, or the tiles, in order, so the result does not depend on the register tile.
#include <algorithm>

#include "core/parallel.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/conv2d/winograd_transform.h"
#include "kernels/scratch.h"
#include "kernels/vector.h"

namespace iolaus::winograd {
namespace {

template <int kBytes> constexpr int64_t kLanes = kBytes / 4;
constexpr int64_t kGrain = 4096;      // weights that are worth a thread
constexpr int64_t kSummedTiles = 16;  // in a row: longer sums lose digits

struct Product {
  const float* tiles;   // (C / L, T, L)
  const float* weight;  // (K / L, C, L)
  float* out;           // (K / L, T, L)
  int64_t count, channels;
};

// R tiles by N blocks of output channels.
template <int kBytes, int R, int N> inline void product(const Product& p) {
  using V = Vector<float, kBytes>;
  constexpr int64_t L = kLanes<kBytes>;
  V sum[R][N] = {};
  const float* weight = p.weight;
  for (int64_t c = 0; c < p.channels; c += L) {
    const float* tiles = p.tiles + c * p.count;
    const int64_t last = std::min(L, p.channels - c);
    for (int64_t i = 0; i < last; ++i, weight += L) {
      V w[N];
      for (int n = 0; n < N; ++n) w[n] = load_vector<V>(weight + n * p.channels * L);
      for (int r = 0; r < R; ++r) {
        for (int n = 0; n < N; ++n) sum[r][n] += tiles[r * L + i] * w[n];
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < N; ++n) store_vector(p.out + (n * p.count + r) * L, sum[r][n]);
  }
}

// All tiles; the last register tile moves back to end with the last of them.
template <int kBytes, int R, int N> inline void strip(Product p) {
  constexpr int64_t L = kLanes<kBytes>;
  const Product all = p;
  for (int64_t t = 0; t < p.count; t += R) {
    const int64_t at = std::min(t, p.count - R);
    p.tiles = all.tiles + at * L, p.out = all.out + at * L;
    product<kBytes, R, N>(p);
  }
}

// Rows of a register tile, at most `most`: few tiles are computed twice, and none is too small to
// pay for the loads of its weights.
int64_t choose_rows(int64_t count, int64_t most) {
  int64_t best = 1;
  double least = 1e300;
  for (const int64_t rows : {12, 10, 8, 6, 4, 2, 1}) {
    if (rows > count || rows > most) continue;
    const auto computed = static_cast<double>((count + rows - 1) / rows * rows);
    const double cost = computed * (1 + 2.0 / static_cast<double>(rows));
    if (cost < least) least = cost, best = rows;
  }
  return best;
}

template <int kBytes, int N> inline void strips(const Product& p, int64_t rows) {
  if constexpr (kBytes == 64 || N == 1) {
    if (rows == 12) return strip<kBytes, 12, N>(p);
    if (rows == 10) return strip<kBytes, 10, N>(p);
    if (rows == 8) return strip<kBytes, 8, N>(p);
  }
  if (rows == 6) return strip<kBytes, 6, N>(p);
  if (rows == 4) return strip<kBytes, 4, N>(p);
  if (rows == 2) return strip<kBytes, 2, N>(p);
  strip<kBytes, 1, N>(p);
}

struct GradientProduct {
  const float* x;  // (C / L, T, L)
  const float* g;  // (K / L, T, L)
  float* dw;       // (K / L, C, L)
  int64_t count, channels;
  bool add;
};

// R channels from channel c, which are in one block, by N blocks of output channels.
template <int kBytes, int R, int N>
inline void gradient_product(const GradientProduct& p, int64_t c) {
  using V = Vector<float, kBytes>;
  constexpr int64_t L = kLanes<kBytes>;
  float* dw = p.dw + c * L;
  const float* x = p.x + c / L * L * p.count + c % L;
  for (int64_t first = 0; first < p.count; first += kSummedTiles) {
    V sum[R][N] = {};
    for (int64_t t = first; t < std::min(p.count, first + kSummedTiles); ++t) {
      V g[N];
      for (int n = 0; n < N; ++n) g[n] = load_vector<V>(p.g + (n * p.count + t) * L);
      for (int r = 0; r < R; ++r) {
        for (int n = 0; n < N; ++n) sum[r][n] += x[t * L + r] * g[n];
      }
    }
    for (int r = 0; r < R; ++r) {
      for (int n = 0; n < N; ++n) {
        float* to = dw + (n * p.channels + r) * L;
        store_vector(to, p.add || first > 0 ? load_vector<V>(to) + sum[r][n] : sum[r][n]);
      }
    }
  }
}

template <int kBytes, int N> inline void gradient_strip(const GradientProduct& p) {
  constexpr int64_t L = kLanes<kBytes>;
  constexpr int64_t kMost = kBytes == 64 ? 16 / N : std::min<int64_t>(8 / N, L);
  int64_t c = 0;
  for (; c + kMost <= p.channels; c += kMost) gradient_product<kBytes, kMost, N>(p, c);
  for (; c < p.channels; ++c) gradient_product<kBytes, 1, N>(p, c);
}

template <int kBytes, int kKernel>
inline void transform_one_weight(const WeightLayout& l, const float* weight, int64_t block,
                                 int64_t stride, float* to) {
  using V = Vector<float, kBytes>;
  constexpr int64_t L = kLanes<kBytes>;
  constexpr int kTaps = kKernel * kKernel;
  alignas(kBytes) float gathered[kTaps][L] = {};
  for (int64_t k = block * L; k < std::min(l.out_channels, (block + 1) * L); ++k) {
    const float* from = weight + k * l.k_stride;
    for (int i = 0; i < kTaps; ++i) gathered[i][k - block * L] = from[l.turned ? kTaps - 1 - i : i];
  }
  V in[kTaps], out[kPoints];
  for (int i = 0; i < kTaps; ++i) in[i] = load_vector<V>(gathered[i]);
  transform_square<Evaluate<kKernel, true>>(in, out);
  for (int64_t p = 0; p < kPoints; ++p) store_vector(to + p * stride, out[p]);
}

template <int kBytes, int kKernel>
inline void gather_weights(const float* transformed, int64_t channels, int64_t out_channels,
                           float* dw) {
  using V = Vector<float, kBytes>;
  constexpr int64_t L = kLanes<kBytes>;
  constexpr int kTaps = kKernel * kKernel;
  const int64_t last = blocks(out_channels), stride = point_stride(last, channels);
  for (int64_t job = 0; job < last * channels; ++job) {
    const int64_t block = job / channels, c = job % channels;
    V in[kPoints], out[kTaps];
    for (int64_t p = 0; p < kPoints; ++p)
      in[p] = load_vector<V>(transformed + p * stride + job * L);
    transform_square<Gather<kKernel, true>>(in, out);
    for (int i = 0; i < kTaps; ++i) {
      store_vector(dw + ((i * channels + c) * last + block) * L, out[i]);
    }
  }
}

}  // namespace

void multiply(const float* tiles, const float* weight, int64_t count, int64_t channels,
              int64_t out_channels, float* out) {
  run_wide([&](auto bytes) {
    constexpr int kBytes = decltype(bytes)::value;
    constexpr int64_t L = kLanes<kBytes>;
    const int64_t last = blocks(out_channels);
    const int64_t rows_of_one = choose_rows(count, 12);
    const int64_t rows_of_two = choose_rows(count, kBytes == 64 ? 12 : 6);
    for (int64_t p = 0; p < kPoints; ++p) {
      Product product{tiles + p * point_stride(blocks(channels), count),
                      weight + p * point_stride(last, channels),
                      out + p * point_stride(last, count), count, channels};
      for (int64_t k = 0; k < last; k += 2) {
        k + 1 < last ? strips<kBytes, 2>(product, rows_of_two)
                     : strips<kBytes, 1>(product, rows_of_one);
        product.weight += 2 * channels * L, product.out += 2 * count * L;
      }
    }
  });
}

void multiply_gradient(const float* x, const float* g, int64_t count, int64_t channels,
                       int64_t out_channels, bool add, float* dw) {
  run_wide([&](auto bytes) {
    constexpr int kBytes = decltype(bytes)::value;
    constexpr int64_t L = kLanes<kBytes>;
    const int64_t last = blocks(out_channels);
    for (int64_t p = 0; p < kPoints; ++p) {
      GradientProduct product{x + p * point_stride(blocks(channels), count),
                              g + p * point_stride(last, count),
                              dw + p * point_stride(last, channels),
                              count,
                              channels,
                              add};
      for (int64_t k = 0; k < last; k += 2) {
        k + 1 < last ? gradient_strip<kBytes, 2>(product) : gradient_strip<kBytes, 1>(product);
        product.g += 2 * count * L, product.dw += 2 * channels * L;
      }
    }
  });
}

void transform_weight(const float* weight, const WeightLayout& l, float* transformed) {
  const int64_t last = blocks(l.out_channels), stride = point_stride(last, l.channels);
  parallel_for(l.channels, kGrain / l.out_channels + 1, [&](int64_t begin, int64_t end) {
    run_wide([&](auto bytes) {
      constexpr int kBytes = decltype(bytes)::value;
      for (int64_t job = begin * last; job < end * last; ++job) {
        const int64_t c = job / last, block = job % last;
        const float* from = weight + c * l.c_stride;
        float* to = transformed + (block * l.channels + c) * kLanes<kBytes>;
        l.kernel == 3 ? transform_one_weight<kBytes, 3>(l, from, block, stride, to)
                      : transform_one_weight<kBytes, 5>(l, from, block, stride, to);
      }
    });
  });
}

void transform_weight_gradient(const float* transformed, int64_t kernel, int64_t channels,
                               int64_t out_channels, float* dw) {
  run_wide([&](auto bytes) {
    constexpr int kBytes = decltype(bytes)::value;
    kernel == 3 ? gather_weights<kBytes, 3>(transformed, channels, out_channels, dw)
                : gather_weights<kBytes, 5>(transformed, channels, out_channels, dw);
  });
}

}  // namespace iolaus::winograd
