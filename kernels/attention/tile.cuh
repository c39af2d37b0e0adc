// What the plain kernels of attention share: any float type, any widths, masks; no tensor cores.
// Everything is a product of 64 x 64 tiles: 256 threads of 4 x 4 sums each, operands through shared
// memory. Thread t holds rows t / 16 * 4 + q and columns t % 16 * 4 + r.
#pragma once

#include "kernels/attention/attention.h"
#include "kernels/elementwise/math.h"
#include "kernels/gpu.h"

namespace iolaus::gpu {

inline constexpr int kAttentionTile = 64, kAttentionThreads = 256, kPart = 4;

template <class T> struct AttentionRows {
  T* data;
  int64_t batch, head, row;
  AttentionRows() = default;
  explicit AttentionRows(const AttentionOperand& x)
      : data(static_cast<T*>(x.data)), batch(x.batch), head(x.head), row(x.row) {}
  __device__ T* at(int64_t b, int64_t h) const { return data + b * batch + h * head; }
};

template <class T> struct TileAttention {
  using A = MathType<T>;
  int64_t batch, heads, kv_heads, queries, keys, width, value_width;
  AttentionRows<T> q, k, v, out, g, dq, dk, dv;
  A* lse;
  A* delta = nullptr;  // (B, H, Tq); backward only
  const void* mask;
  int64_t mask_strides[4];
  bool mask_is_bool, causal;
  A scale;

  explicit TileAttention(const Attention& p)
      : batch(p.batch),
        heads(p.heads),
        kv_heads(p.kv_heads),
        queries(p.queries),
        keys(p.keys),
        width(p.width),
        value_width(p.value_width),
        q(p.q),
        k(p.k),
        v(p.v),
        out(p.out),
        g(p.g),
        dq(p.dq),
        dk(p.dk),
        dv(p.dv),
        lse(static_cast<A*>(p.lse)),
        mask(p.mask),
        mask_is_bool(p.mask_is_bool),
        causal(p.causal),
        scale(static_cast<A>(p.scale)) {
    for (int d = 0; d < 4; ++d) mask_strides[d] = p.mask_strides[d];
  }

  /// The score of a product of q and k; -inf where query i does not see key j.
  __device__ A score(int64_t b, int64_t h, int64_t i, int64_t j, A product) const {
    if (i >= queries || j >= keys || (causal && j > i)) return -INFINITY;
    const A s = product * scale;
    if (mask == nullptr) return s;
    const int64_t at =
        b * mask_strides[0] + h * mask_strides[1] + i * mask_strides[2] + j * mask_strides[3];
    if (mask_is_bool) return static_cast<const bool*>(mask)[at] ? s : A(-INFINITY);
    return s + static_cast<A>(static_cast<const T*>(mask)[at]);
  }
};

/// A matrix of rows in global memory, from its first element of a tile on: element (i, j) is there
/// for i < rows and j < columns, else 0.
template <class T> struct TileRows {
  const T* data;
  int64_t row, rows, columns;
  __device__ MathType<T> operator()(int64_t i, int64_t j) const {
    return i < rows && j < columns ? static_cast<MathType<T>>(data[i * row + j]) : MathType<T>(0);
  }
};

/// The tiles of a step of a product; in depths that let everything fit 48 KiB.
template <class M> struct StepTiles {
  static constexpr int kDepth = sizeof(M) == 8 ? 8 : 16;
  M a[kDepth][kAttentionTile + 4], b[kDepth][kAttentionTile + 4];
};

/// sums(i, j) += sum over l < depth of a(i, l) b(l, j) in order of l. kADense, kBDense: neighbours
/// along l are neighbours in memory (else along i and j). All threads of the block take part.
template <bool kADense, bool kBDense, class M, class LoadA, class LoadB>
__device__ __forceinline__ void tile_product(StepTiles<M>& tiles, M (&sums)[kPart][kPart],
                                             int64_t depth, LoadA a, LoadB b) {
  constexpr int kDepth = StepTiles<M>::kDepth;
  constexpr int kParts = kAttentionTile * kDepth / kAttentionThreads;
  const int thread = static_cast<int>(threadIdx.x);
  const int row = thread / 16 * kPart, column = thread % 16 * kPart;
  for (int64_t l0 = 0; l0 < depth; l0 += kDepth) {
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      const int far = thread / kDepth + part * (kAttentionThreads / kDepth), deep = thread % kDepth;
      const int along = thread % kAttentionTile, depth_along = thread / kAttentionTile + part * 4;
      const int ai = kADense ? far : along, al = kADense ? deep : depth_along;
      const int bj = kBDense ? far : along, bl = kBDense ? deep : depth_along;
      tiles.a[al][ai] = l0 + al < depth ? a(ai, l0 + al) : M(0);
      tiles.b[bl][bj] = l0 + bl < depth ? b(l0 + bl, bj) : M(0);
    }
    __syncthreads();
#pragma unroll 4
    for (int l = 0; l < kDepth; ++l) {
      M left[kPart], right[kPart];
#pragma unroll
      for (int e = 0; e < kPart; ++e) {
        left[e] = tiles.a[l][row + e];
        right[e] = tiles.b[l][column + e];
      }
#pragma unroll
      for (int e = 0; e < kPart; ++e) {
#pragma unroll
        for (int r = 0; r < kPart; ++r) sums[e][r] += left[e] * right[r];
      }
    }
    __syncthreads();  // the next step, or product, overwrites the tiles
  }
}

/// Products of queries from i0 on and keys from j0 on, as scores.
template <class T>
__device__ __forceinline__ void tile_scores(const TileAttention<T>& p, int64_t b, int64_t h,
                                            int64_t i0, int64_t j0, StepTiles<MathType<T>>& tiles,
                                            MathType<T> (&s)[kPart][kPart]) {
  const AttentionRows<T>&q = p.q, &k = p.k;
  const TileRows<T> left{q.at(b, h) + i0 * q.row, q.row, p.queries - i0, p.width};
  const TileRows<T> right{k.at(b, h / (p.heads / p.kv_heads)) + j0 * k.row, k.row, p.keys - j0,
                          p.width};
#pragma unroll
  for (int e = 0; e < kPart; ++e) {
#pragma unroll
    for (int r = 0; r < kPart; ++r) s[e][r] = 0;
  }
  tile_product<true, true>(tiles, s, p.width, left,
                           [&](int64_t l, int64_t j) { return right(j, l); });
  const int row = static_cast<int>(threadIdx.x) / 16 * kPart;
  const int column = static_cast<int>(threadIdx.x) % 16 * kPart;
#pragma unroll
  for (int e = 0; e < kPart; ++e) {
#pragma unroll
    for (int r = 0; r < kPart; ++r) {
      s[e][r] = p.score(b, h, i0 + row + e, j0 + column + r, s[e][r]);
    }
  }
}

/// Writes sums to rows from i0 and columns from c0 on.
template <class T>
__device__ __forceinline__ void store_tile(const MathType<T> (&sums)[kPart][kPart], T* to,
                                           int64_t stride, int64_t i0, int64_t rows, int64_t c0,
                                           int64_t columns) {
  const int row = static_cast<int>(threadIdx.x) / 16 * kPart;
  const int column = static_cast<int>(threadIdx.x) % 16 * kPart;
#pragma unroll
  for (int e = 0; e < kPart; ++e) {
#pragma unroll
    for (int r = 0; r < kPart; ++r) {
      const int64_t i = i0 + row + e, c = c0 + column + r;
      if (i < rows && c < columns) to[i * stride + c] = static_cast<T>(sums[e][r]);
    }
  }
}

/// Blocks: x over tiles of rows, y over heads, z over chunks of 64 columns of the result.
inline dim3 attention_grid(int64_t rows, int64_t heads, int64_t columns) {
  return dim3(static_cast<unsigned>(ceil_div(rows, kAttentionTile)), grid_for(heads),
              grid_for(columns, kAttentionTile));
}

}  // namespace iolaus::gpu
