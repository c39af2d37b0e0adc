// attention without tensor cores, backward, without atomics: one kernel for dq (64 queries and 64
// columns a block), one for dk and dv (64 keys and 64 columns, through the queries of all heads
// that share them). Each chunk of 64 columns computes scores and dp again: 2 (D + Dv) flops for
// each pair and chunk beside the products themselves. Deterministic.
#include "kernels/attention/tile.cuh"
#include "kernels/elementwise/domain.h"

namespace iolaus {
namespace {

using gpu::kAttentionTile;
using gpu::kPart;

// delta = sum_j g_j out_j, one warp a row.
template <class T>
__global__ void __launch_bounds__(gpu::kAttentionThreads)
    attention_delta_kernel(const gpu::TileAttention<T> p) {
  using M = MathType<T>;
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int64_t rows = p.batch * p.heads * p.queries;
  for (int64_t r = gpu::global_thread() / gpu::kWarp; r < rows;
       r += gpu::global_threads() / gpu::kWarp) {
    const int64_t head = gpu::fast_div(r, p.queries), b = gpu::fast_div(head, p.heads);
    const int64_t h = head - b * p.heads, i = r - head * p.queries;
    const T *g = p.g.at(b, h) + i * p.g.row, *out = p.out.at(b, h) + i * p.out.row;
    M sum = 0;
    for (int64_t d = lane; d < p.value_width; d += gpu::kWarp) {
      sum += static_cast<M>(g[d]) * static_cast<M>(out[d]);
    }
    sum = gpu::warp_reduce(sum, gpu::Sum{});
    if (lane == 0) p.delta[r] = sum;
  }
}

template <class M> using SharedTile = M[kAttentionTile][kAttentionTile + 1];

// Probabilities of queries from i0 and keys from j0 on, and ds = p (dp - delta) scale.
template <class T>
__device__ __forceinline__ void differentiate(const gpu::TileAttention<T>& p, int64_t b, int64_t h,
                                              int64_t i0, int64_t j0,
                                              gpu::StepTiles<MathType<T>>& tiles,
                                              MathType<T> (&x)[kPart][kPart],
                                              MathType<T> (&ds)[kPart][kPart]) {
  using M = MathType<T>;
  gpu::tile_scores(p, b, h, i0, j0, tiles, x);
  const gpu::TileRows<T> g{p.g.at(b, h) + i0 * p.g.row, p.g.row, p.queries - i0, p.value_width};
  const gpu::TileRows<T> v{p.v.at(b, h / (p.heads / p.kv_heads)) + j0 * p.v.row, p.v.row,
                           p.keys - j0, p.value_width};
#pragma unroll
  for (int e = 0; e < kPart; ++e) {
#pragma unroll
    for (int r = 0; r < kPart; ++r) ds[e][r] = 0;
  }
  gpu::tile_product<true, true>(tiles, ds, p.value_width, g,
                                [&](int64_t l, int64_t j) { return v(j, l); });
  const int row = static_cast<int>(threadIdx.x) / 16 * kPart;
#pragma unroll
  for (int e = 0; e < kPart; ++e) {
    const int64_t i = i0 + row + e, at = (b * p.heads + h) * p.queries + i;
    const M lse = i < p.queries ? p.lse[at] : M(0), delta = i < p.queries ? p.delta[at] : M(0);
    const M shift = lse == -INFINITY ? M(0) : lse;  // the row saw nothing
#pragma unroll
    for (int r = 0; r < kPart; ++r) {
      x[e][r] = math::exp(x[e][r] - shift);
      ds[e][r] = x[e][r] * (ds[e][r] - delta) * p.scale;
    }
  }
}

// Leaves a tile in shared memory for all threads, which are done with what was there.
template <class M>
__device__ __forceinline__ void share_tile(const M (&x)[kPart][kPart], SharedTile<M>& shared) {
  const int row = static_cast<int>(threadIdx.x) / 16 * kPart;
  const int column = static_cast<int>(threadIdx.x) % 16 * kPart;
#pragma unroll
  for (int e = 0; e < kPart; ++e) {
#pragma unroll
    for (int r = 0; r < kPart; ++r) shared[row + e][column + r] = x[e][r];
  }
  __syncthreads();
}

template <class T>
__global__ void __launch_bounds__(gpu::kAttentionThreads)
    attention_dq_kernel(const gpu::TileAttention<T> p) {
  using M = MathType<T>;
  SHARED_ARRAY(gpu::StepTiles<M>, tiles, [1]);
  SHARED_ARRAY(M, tile, [kAttentionTile][kAttentionTile + 1]);
  const int64_t i0 = static_cast<int64_t>(blockIdx.x) * kAttentionTile;
  const int64_t end = p.causal && i0 + kAttentionTile < p.keys ? i0 + kAttentionTile : p.keys;
  const int64_t chunks = gpu::ceil_div(p.width, kAttentionTile);
  for (int64_t head = blockIdx.y; head < p.batch * p.heads; head += gridDim.y) {
    const int64_t b = head / p.heads, h = head % p.heads, shared = h / (p.heads / p.kv_heads);
    for (int64_t chunk = blockIdx.z; chunk < chunks; chunk += gridDim.z) {
      const int64_t c0 = chunk * kAttentionTile;
      M dq[kPart][kPart] = {};
      for (int64_t j = 0; j < end; j += kAttentionTile) {
        M x[kPart][kPart], ds[kPart][kPart];
        differentiate(p, b, h, i0, j, tiles[0], x, ds);
        share_tile(ds, tile);
        const gpu::TileRows<T> k{p.k.at(b, shared) + j * p.k.row + c0, p.k.row, p.keys - j,
                                 p.width - c0};
        const int64_t depth = p.keys - j < kAttentionTile ? p.keys - j : kAttentionTile;
        gpu::tile_product<true, false>(
            tiles[0], dq, depth, [&](int64_t i, int64_t l) { return tile[i][l]; }, k);
      }
      gpu::store_tile<T>(dq, p.dq.at(b, h), p.dq.row, i0, p.queries, c0, p.width);
    }
  }
}

template <class T>
__global__ void __launch_bounds__(gpu::kAttentionThreads)
    attention_dkdv_kernel(const gpu::TileAttention<T> p) {
  using M = MathType<T>;
  SHARED_ARRAY(gpu::StepTiles<M>, tiles, [1]);
  SHARED_ARRAY(M, tile, [kAttentionTile][kAttentionTile + 1]);
  const int64_t j0 = static_cast<int64_t>(blockIdx.x) * kAttentionTile;
  const int64_t widest = p.width > p.value_width ? p.width : p.value_width;
  const int64_t chunks = gpu::ceil_div(widest, kAttentionTile), group = p.heads / p.kv_heads;
  const auto transposed = [&](int64_t j, int64_t l) { return tile[l][j]; };
  for (int64_t head = blockIdx.y; head < p.batch * p.kv_heads; head += gridDim.y) {
    const int64_t b = head / p.kv_heads, shared = head % p.kv_heads;
    for (int64_t chunk = blockIdx.z; chunk < chunks; chunk += gridDim.z) {
      const int64_t c0 = chunk * kAttentionTile;
      M dk[kPart][kPart] = {}, dv[kPart][kPart] = {};
      for (int64_t h = shared * group; h < (shared + 1) * group; ++h) {
        for (int64_t i = p.causal ? j0 : 0; i < p.queries; i += kAttentionTile) {
          const int64_t left = p.queries - i, depth = left < kAttentionTile ? left : kAttentionTile;
          M x[kPart][kPart], ds[kPart][kPart];
          differentiate(p, b, h, i, j0, tiles[0], x, ds);
          if (c0 < p.value_width) {
            share_tile(x, tile);
            const gpu::TileRows<T> g{p.g.at(b, h) + i * p.g.row + c0, p.g.row, left,
                                     p.value_width - c0};
            gpu::tile_product<false, false>(tiles[0], dv, depth, transposed, g);
          }
          if (c0 < p.width) {
            share_tile(ds, tile);
            const gpu::TileRows<T> q{p.q.at(b, h) + i * p.q.row + c0, p.q.row, left, p.width - c0};
            gpu::tile_product<false, false>(tiles[0], dk, depth, transposed, q);
          }
        }
      }
      gpu::store_tile<T>(dk, p.dk.at(b, shared), p.dk.row, j0, p.keys, c0, p.width);
      gpu::store_tile<T>(dv, p.dv.at(b, shared), p.dv.row, j0, p.keys, c0, p.value_width);
    }
  }
}

void run(const Attention& p) {
  visit_dtype(FloatTypes{}, "attention_backward", p.element, [&]<class T>() {
    const cuda::OnDevice stream(p.device());
    const int64_t rows = p.batch * p.heads * p.queries;
    const gpu::DeviceScratch<MathType<T>> delta(p.device(), rows);
    gpu::TileAttention<T> problem(p);
    problem.delta = delta.data();
    if (rows > 0) {
      gpu::launch(attention_delta_kernel<T>,
                  gpu::grid_for(rows, gpu::kAttentionThreads / gpu::kWarp), gpu::kAttentionThreads,
                  0, stream, problem);
      gpu::launch(attention_dq_kernel<T>,
                  gpu::attention_grid(p.queries, p.batch * p.heads, p.width),
                  gpu::kAttentionThreads, 0, stream, problem);
    }
    if (p.batch * p.kv_heads * p.keys > 0) {
      gpu::launch(
          attention_dkdv_kernel<T>,
          gpu::attention_grid(p.keys, p.batch * p.kv_heads, std::max(p.width, p.value_width)),
          gpu::kAttentionThreads, 0, stream, problem);
    }
  });
}

const char* why_not(const Attention& p) {
  return p.width > 0 && p.value_width > 0 ? nullptr : "widths must not be 0";
}

const bool kRegistered =
    attention_backward_kernels().add({"tile", kCUDA, dtypes_of(FloatTypes{}), run, 1, why_not});

}  // namespace
}  // namespace iolaus
