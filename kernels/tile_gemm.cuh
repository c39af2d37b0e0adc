// tile_gemm: the product of two matrices that are given by functions, so that matmul of any strides
// and the three passes of a convolution (as implicit matrices) are one kernel.
//
// A block computes a 64 x 64 tile of C (M x N), in steps of 16 along K through shared memory; each
// of its 256 threads keeps a 4 x 4 part in registers. Out of range elements count as 0. Each step's
// 16 products are summed by themselves and then added, in order of K: deterministic, with rounding
// errors of a sum of K / 16. 2 M N K flops; plain fp32 units, no tensor cores.
#pragma once

#include "kernels/gpu.h"

namespace iolaus::gpu {

inline constexpr int kTileSize = 64, kTileDepth = 16, kTilePart = 4, kTileThreads = 256;

/// What sums of products of T are kept in.
template <class T>
using TileSum = std::conditional_t<is_floating(dtype_of<T>), MathType<T>, int64_t>;

/// Problem is a struct with
///   int64_t m, n, k, batch, splits;        splits: parts of K, each with its own result
///   A a(item, i, l), b(item, l, j);        elements, within range
///   void store(item, split, i, j, A sum);
///   bool a_rows_fast, b_rows_fast;         whether neighbours in memory lie along i (of a), l (of
///   b)
/// A is its Sum type. Blocks: x over tiles of N, y over tiles of M, z over items times splits.
template <class Problem>
__global__ void __launch_bounds__(kTileThreads, sizeof(typename Problem::Sum) > 4 ? 1 : 2)
    tile_gemm_kernel(Problem p, int64_t row_tiles) {
  using A = typename Problem::Sum;
  SHARED_ARRAY(A, a_tile, [kTileDepth][kTileSize + 4]);  // + 4: fewer bank conflicts when filled
  SHARED_ARRAY(A, b_tile, [kTileDepth][kTileSize + 4]);
  const int thread = threadIdx.x;
  const int row = thread / kTileDepth * kTilePart, column = thread % kTileDepth * kTilePart;
  const int64_t j0 = static_cast<int64_t>(blockIdx.x) * kTileSize;
  const int64_t chunk = ceil_div(ceil_div(p.k, p.splits), kTileDepth) * kTileDepth;

  for (int64_t z = blockIdx.z; z < p.batch * p.splits; z += gridDim.z) {
    const int64_t item = z / p.splits, split = z % p.splits;
    const int64_t begin = split * chunk, end = begin + chunk < p.k ? begin + chunk : p.k;
    for (int64_t tile = blockIdx.y; tile < row_tiles; tile += gridDim.y) {
      const int64_t i0 = tile * kTileSize;
      A sums[kTilePart][kTilePart] = {};
      for (int64_t l0 = begin; l0 < end; l0 += kTileDepth) {
#pragma unroll
        for (int part = 0; part < kTilePart; ++part) {
          // Which element this thread fetches: neighbouring threads, neighbouring addresses.
          const int along = thread % kTileSize, depth = thread / kTileSize + part * kTilePart;
          const int across = thread / kTileDepth + part * kTileDepth, deep = thread % kTileDepth;
          const int ai = p.a_rows_fast ? along : across, al = p.a_rows_fast ? depth : deep;
          const int bj = p.b_rows_fast ? across : along, bl = p.b_rows_fast ? deep : depth;
          const bool a_in = i0 + ai < p.m && l0 + al < end, b_in = j0 + bj < p.n && l0 + bl < end;
          a_tile[al][ai] = a_in ? p.a(item, i0 + ai, l0 + al) : A(0);
          b_tile[bl][bj] = b_in ? p.b(item, l0 + bl, j0 + bj) : A(0);
        }
        __syncthreads();
        A step[kTilePart][kTilePart] = {};
#pragma unroll 4  // 64 multiply-adds a turn hide the loop; more only lengthens the build
        for (int l = 0; l < kTileDepth; ++l) {
          A left[kTilePart], right[kTilePart];
#pragma unroll
          for (int q = 0; q < kTilePart; ++q) {
            left[q] = a_tile[l][row + q];
            right[q] = b_tile[l][column + q];
          }
#pragma unroll
          for (int q = 0; q < kTilePart; ++q) {
#pragma unroll
            for (int r = 0; r < kTilePart; ++r) step[q][r] += left[q] * right[r];
          }
        }
#pragma unroll
        for (int q = 0; q < kTilePart; ++q) {
#pragma unroll
          for (int r = 0; r < kTilePart; ++r) sums[q][r] += step[q][r];
        }
        __syncthreads();  // the next step overwrites the tiles
      }
#pragma unroll
      for (int q = 0; q < kTilePart; ++q) {
#pragma unroll
        for (int r = 0; r < kTilePart; ++r) {
          const int64_t i = i0 + row + q, j = j0 + column + r;
          if (i < p.m && j < p.n) p.store(item, split, i, j, sums[q][r]);
        }
      }
    }
  }
}

/// Errors: kUnsupported for more than 2^31 tiles along N.
template <class Problem> void launch_tile_gemm(const Problem& p, cudaStream_t stream) {
  if (p.m == 0 || p.n == 0 || p.batch == 0) return;
  const int64_t columns = ceil_div(p.n, kTileSize), rows = ceil_div(p.m, kTileSize);
  IOLAUS_CHECK_CODE(columns < (int64_t{1} << 31), ErrorCode::kUnsupported,
                    "[tile_gemm] the product has too many columns: {}", p.n);
  launch(tile_gemm_kernel<Problem>,
         dim3(static_cast<unsigned>(columns), grid_for(rows), grid_for(p.batch * p.splits)),
         kTileThreads, 0, stream, p, rows);
}

}  // namespace iolaus::gpu
