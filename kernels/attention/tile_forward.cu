// attention without tensor cores, forward: for float32 and float64, for masks, and for widths that
// the flash kernel does not take. A block computes 64 queries and 64 columns of the result, through
// all keys with softmax online; where Dv > 64 each chunk of columns computes the scores again.
// 2 (D ceil(Dv / 64) + Dv) flops for each pair, on plain units. Deterministic.
#include "kernels/attention/tile.cuh"
#include "kernels/elementwise/domain.h"

namespace iolaus {
namespace {

using gpu::kAttentionTile;
using gpu::kPart;

// The largest or the sum of a row's values, which 16 neighbouring lanes hold.
template <class M, class Op> __device__ __forceinline__ M row_reduce(M value, Op op) {
  for (int offset = 8; offset > 0; offset /= 2) value = op(value, gpu::shuffle_xor(value, offset));
  return value;
}

// Scores become e^(s - largest), left in shared memory; sum and out follow the new largest.
template <class M>
__device__ __forceinline__ void softmax_step(M (&s)[kPart][kPart], M (&largest)[kPart],
                                             M (&sum)[kPart], M (&out)[kPart][kPart],
                                             M (&shared)[kAttentionTile][kAttentionTile + 1]) {
  const int row = static_cast<int>(threadIdx.x) / 16 * kPart;
  const int column = static_cast<int>(threadIdx.x) % 16 * kPart;
#pragma unroll
  for (int e = 0; e < kPart; ++e) {
    M most = s[e][0];
#pragma unroll
    for (int r = 1; r < kPart; ++r) most = gpu::Max{}(most, s[e][r]);
    const M now = gpu::Max{}(largest[e], row_reduce(most, gpu::Max{}));
    const M shift = now == -INFINITY ? M(0) : now;  // nothing but -inf so far
    const M factor = math::exp(largest[e] - shift);
    largest[e] = now;
    M total = 0;
#pragma unroll
    for (int r = 0; r < kPart; ++r) {
      const M x = math::exp(s[e][r] - shift);
      shared[row + e][column + r] = x;
      total += x;
      out[e][r] *= factor;
    }
    sum[e] = sum[e] * factor + row_reduce(total, gpu::Sum{});
  }
}

template <class T>
__global__ void __launch_bounds__(gpu::kAttentionThreads)
    attention_tile_kernel(const gpu::TileAttention<T> p) {
  using M = MathType<T>;
  SHARED_ARRAY(gpu::StepTiles<M>, tiles, [1]);
  SHARED_ARRAY(M, exps, [kAttentionTile][kAttentionTile + 1]);
  const int64_t i0 = static_cast<int64_t>(blockIdx.x) * kAttentionTile;
  const int64_t end = p.causal && i0 + kAttentionTile < p.keys ? i0 + kAttentionTile : p.keys;
  const int64_t chunks = gpu::ceil_div(p.value_width, kAttentionTile);
  for (int64_t head = blockIdx.y; head < p.batch * p.heads; head += gridDim.y) {
    const int64_t b = head / p.heads, h = head % p.heads, shared = h / (p.heads / p.kv_heads);
    for (int64_t chunk = blockIdx.z; chunk < chunks; chunk += gridDim.z) {
      const int64_t c0 = chunk * kAttentionTile;
      M out[kPart][kPart] = {}, sum[kPart] = {}, largest[kPart];
#pragma unroll
      for (int e = 0; e < kPart; ++e) largest[e] = -INFINITY;
      for (int64_t j = 0; j < end; j += kAttentionTile) {
        M s[kPart][kPart];
        gpu::tile_scores(p, b, h, i0, j, tiles[0], s);
        softmax_step(s, largest, sum, out, exps);
        __syncthreads();  // exps are there
        const gpu::TileRows<T> v{p.v.at(b, shared) + j * p.v.row + c0, p.v.row, p.keys - j,
                                 p.value_width - c0};
        const int64_t depth = p.keys - j < kAttentionTile ? p.keys - j : kAttentionTile;
        gpu::tile_product<true, false>(
            tiles[0], out, depth, [&](int64_t i, int64_t l) { return exps[i][l]; }, v);
      }
      const int row = static_cast<int>(threadIdx.x) / 16 * kPart;
#pragma unroll
      for (int e = 0; e < kPart; ++e) {
        const M inverse = sum[e] == M(0) ? M(0) : M(1) / sum[e];
#pragma unroll
        for (int r = 0; r < kPart; ++r) out[e][r] *= inverse;
        const int64_t i = i0 + row + e;
        if (chunk == 0 && threadIdx.x % 16 == 0 && i < p.queries) {
          p.lse[head * p.queries + i] = largest[e] + math::log(sum[e]);
        }
      }
      gpu::store_tile<T>(out, p.out.at(b, h), p.out.row, i0, p.queries, c0, p.value_width);
    }
  }
}

void run(const Attention& p) {
  if (p.batch * p.heads * p.queries == 0) return;
  visit_dtype(FloatTypes{}, "attention", p.element, [&]<class T>() {
    const cuda::OnDevice stream(p.device());
    gpu::launch(attention_tile_kernel<T>,
                gpu::attention_grid(p.queries, p.batch * p.heads, p.value_width),
                gpu::kAttentionThreads, 0, stream, gpu::TileAttention<T>(p));
  });
}

const char* why_not(const Attention& p) {
  return p.width > 0 && p.value_width > 0 ? nullptr : "widths must not be 0";
}

const bool kRegistered =
    attention_kernels().add({"tile", kCUDA, dtypes_of(FloatTypes{}), run, 1, why_not});

}  // namespace
}  // namespace iolaus
