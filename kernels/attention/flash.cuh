// What the flash kernels of attention share: arguments as kernels read them, tiles of rows, scores
// in registers, and the way out through shared memory.
//
// A warp computes 16 rows of a product at a time. Its lane (g, t) = (lane / 4, lane % 4) holds, for
// every eight columns n, elements (g, 8 n + 2 t), (.., + 1), (g + 8, 8 n + 2 t), (.., + 1): four
// floats. Two such groups of eight, rounded to 16 bits, are what the next product takes as its
// operand A, so scores never leave the registers.
#pragma once

#include "kernels/attention/attention.h"
#include "kernels/mma_tile.cuh"

namespace iolaus::gpu {

inline constexpr int kFlashThreads = 128, kFlashWarps = kFlashThreads / kWarp;
inline constexpr float kLog2E = 1.44269504f, kLn2 = 0.693147181f;

/// Rows of q, k, v and the others.
template <class T> struct FlashOperand {
  T* data;
  int64_t batch, head, row;
  int64_t aligned;  // not 0: 16-byte accesses to every row are possible (a word: no padding)

  FlashOperand() = default;
  explicit FlashOperand(const AttentionOperand& x)
      : data(static_cast<T*>(x.data)),
        batch(x.batch),
        head(x.head),
        row(x.row),
        aligned(is_aligned(x.data, 16) && (x.batch | x.head | x.row) % 8 == 0) {}
  __device__ T* at(int64_t b, int64_t h, int64_t first) const {
    return data + b * batch + h * head + first * row;
  }
};

template <class T> struct FlashProblem {
  int64_t batch, heads, kv_heads;
  int queries, keys, width, causal;
  FlashOperand<T> q, k, v, out, g, dq, dk, dv;
  float* lse;           // (B, H, Tq)
  const float* delta;   // (B, H, Tq): sum_j g_j out_j; backward only
  float scale, scale2;  // scale2: times log2(e), for exponentials of base 2

  explicit FlashProblem(const Attention& p)
      : batch(p.batch),
        heads(p.heads),
        kv_heads(p.kv_heads),
        queries(static_cast<int>(p.queries)),
        keys(static_cast<int>(p.keys)),
        width(static_cast<int>(p.width)),
        causal(p.causal),
        q(p.q),
        k(p.k),
        v(p.v),
        out(p.out),
        g(p.g),
        dq(p.dq),
        dk(p.dk),
        dv(p.dv),
        lse(static_cast<float*>(p.lse)),
        delta(nullptr),
        scale(static_cast<float>(p.scale)),
        scale2(static_cast<float>(p.scale * 1.4426950408889634)) {}

  /// Index of the first row of a head in lse and delta.
  __device__ int64_t statistics(int64_t b, int64_t h) const { return (b * heads + h) * queries; }
};

/// Starts to fill a tile with rows from `first` on of one head, of which `rows` there are in all.
template <int kRows, int kD, class T>
__device__ __forceinline__ void fill_rows(T* tile, const FlashOperand<T>& x, int64_t b, int64_t h,
                                          int first, int rows, int width) {
  fill_tile<kRows, kD, kFlashThreads, T>(
      tile, {x.at(b, h, first), x.row, 1, rows - first, width, x.aligned != 0});
}

/// Which pairs of a tile of queries from i on and of keys from j on exist and are seen.
struct Visible {
  int queries, keys;  // that exist from i and j on
  int diagonal;       // query r sees keys up to r + diagonal
  template <class T>
  __device__ Visible(const FlashProblem<T>& p, int i, int j)
      : queries(p.queries - i), keys(p.keys - j), diagonal(p.causal ? i - j : (1 << 30)) {}
  /// Whether all of so many keys, and pairs with all queries, are.
  __device__ bool all_keys(int count) const { return keys >= count && diagonal >= count - 1; }
  __device__ bool operator()(int query, int key) const {
    return key < keys && key <= query + diagonal;
  }
};

/// sums (16 rows of tile a from `row` on, kColumns rows of tile b) = a b^T over kD.
template <class T, int kD, int kColumns>
__device__ __forceinline__ void multiply_tiles(const T* a, int row, const T* b,
                                               float (&sums)[kColumns / 8][4]) {
#pragma unroll
  for (int n = 0; n < kColumns / 8; ++n) {
#pragma unroll
    for (int e = 0; e < 4; ++e) sums[n][e] = 0;
  }
#pragma unroll
  for (int d = 0; d < kD; d += 16) {
    uint32_t left[4];
    load_a<kD, false>(left, a, row, d);
#pragma unroll
    for (int n = 0; n < kColumns / 8; n += 2) {
      uint32_t right[4];
      load_b<kD, false>(right, b, n * 8, d);
      ptx::mma_m16n8k16<T>(sums[n], left, right[0], right[1]);
      ptx::mma_m16n8k16<T>(sums[n + 1], left, right[2], right[3]);
    }
  }
}

/// sums (16, kD) += x (16, kDepth), rounded to T, times tile b (kDepth rows of kD).
template <class T, int kD, int kDepth>
__device__ __forceinline__ void add_product(const float (&x)[kDepth / 8][4], const T* b,
                                            float (&sums)[kD / 8][4]) {
#pragma unroll
  for (int l = 0; l < kDepth / 8; l += 2) {
    const uint32_t left[4] = {
        ptx::pack_pair<T>(x[l][0], x[l][1]), ptx::pack_pair<T>(x[l][2], x[l][3]),
        ptx::pack_pair<T>(x[l + 1][0], x[l + 1][1]), ptx::pack_pair<T>(x[l + 1][2], x[l + 1][3])};
#pragma unroll
    for (int n = 0; n < kD / 8; n += 2) {
      uint32_t right[4];
      load_b<kD, true>(right, b, n * 8, l * 8);
      ptx::mma_m16n8k16<T>(sums[n], left, right[0], right[1]);
      ptx::mma_m16n8k16<T>(sums[n + 1], left, right[2], right[3]);
    }
  }
}

/// A warp writes its 16 rows, times upper (rows 0-7) and lower (8-15), to x: through its own rows
/// of a tile, from `row` on, which no thread has touched since the last barrier.
template <class T, int kD>
__device__ __forceinline__ void store_rows(const float (&sums)[kD / 8][4], float upper, float lower,
                                           T* tile, int row, const FlashOperand<T>& x, int64_t b,
                                           int64_t h, int first, int rows, int width) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int n = 0; n < kD / 8; ++n) {
    const int at = lane % 4 * 2;
    *reinterpret_cast<uint32_t*>(tile + tile_offset<kD>(row + lane / 4, n) + at) =
        ptx::pack_pair<T>(sums[n][0] * upper, sums[n][1] * upper);
    *reinterpret_cast<uint32_t*>(tile + tile_offset<kD>(row + lane / 4 + 8, n) + at) =
        ptx::pack_pair<T>(sums[n][2] * lower, sums[n][3] * lower);
  }
  __syncwarp();
#pragma unroll 2
  for (int at = lane; at < 16 * (kD / 8); at += kWarp) {
    const int i = at / (kD / 8), chunk = at % (kD / 8), count = width - chunk * 8;
    if (first + i >= rows || count <= 0) continue;
    const T* from = tile + tile_offset<kD>(row + i, chunk);
    T* to = x.at(b, h, first + i) + chunk * 8;
    if (x.aligned && count >= 8) {
      store_pack(to, load_pack<8>(from));
    } else {
      for (int e = 0; e < 8 && e < count; ++e) to[e] = from[e];
    }
  }
}

/// Calls fn with the head dimension's place in tiles, a multiple of 32.
template <class Fn> void visit_width(int64_t width, Fn&& fn) {
  if (width <= 32) return fn(std::integral_constant<int, 32>{});
  if (width <= 64) return fn(std::integral_constant<int, 64>{});
  if (width <= 96) return fn(std::integral_constant<int, 96>{});
  return fn(std::integral_constant<int, 128>{});
}

/// Blocks: x over tiles of one head, y over heads of all batch entries.
inline dim3 flash_grid(int64_t tiles, int64_t heads) {
  return dim3(static_cast<unsigned>(tiles), grid_for(heads));
}

inline const char* why_not_flash(const Attention& p) {
  if (p.mask != nullptr) return "masks need the variant 'tile'";
  if (p.width != p.value_width) return "q, k and v must be of one width";
  if (p.width < 1 || p.width > 128) return "head dimensions must be in [1, 128]";
  if (std::max(p.queries, p.keys) >= (int64_t{1} << 30)) return "sequences must be below 2^30";
  return nullptr;
}

}  // namespace iolaus::gpu
