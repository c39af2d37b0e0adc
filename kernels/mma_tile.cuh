// Tiles of 16-bit matrices in shared memory, for mma.sync: how they are filled from global memory
// (cp.async where 16 bytes are aligned, else element by element), and how a warp reads fragments.
//
// A tile has rows of kColumns elements in chunks of 8 (16 bytes). The chunks of a row are permuted
// by its number (swizzled), so that the eight rows that ldmatrix reads at one place, and the eight
// chunks that neighbouring threads fill, lie in different banks.
#pragma once

#include "kernels/ptx.h"

namespace iolaus::gpu {

/// Where chunk `chunk` of a row begins, in elements. kColumns is a multiple of 32.
template <int kColumns> __device__ __forceinline__ int tile_offset(int row, int chunk) {
  static_assert(kColumns % 32 == 0);
  // Rows of a multiple of 128 bytes begin in the same bank; of 64 more, every second one does.
  const int swizzle = kColumns % 64 == 0 ? row & 7 : (row >> 1) & 3;
  return row * kColumns + (chunk ^ swizzle) * 8;
}

/// A matrix in global memory as a tile sees it: from its first element there.
template <class T> struct TileSource {
  const T* data;
  int64_t row, column;  // strides; column must be 1 where aligned
  int rows, columns;    // how many of them exist from here on (not positive: none)
  bool aligned;         // data to 16 bytes, row to 8 elements
};

/// All kThreads threads fill a tile; what does not exist becomes 0. The copies that are left under
/// way belong to the caller's cp.async group; a barrier makes the tile visible.
template <int kRows, int kColumns, int kThreads, class T>
__device__ __forceinline__ void fill_tile(T* tile, const TileSource<T>& from) {
  if (from.aligned) {
    constexpr int kChunks = kColumns / 8;
#pragma unroll
    for (int i = 0; i < (kRows * kChunks + kThreads - 1) / kThreads; ++i) {
      const int at = static_cast<int>(threadIdx.x) + i * kThreads;
      if (kRows * kChunks % kThreads != 0 && at >= kRows * kChunks) break;
      const int row = at / kChunks, chunk = at % kChunks;
      const int left = row < from.rows ? from.columns - chunk * 8 : 0;
      const int valid = left >= 8 ? 16 : (left > 0 ? left * 2 : 0);
      const T* source = valid > 0 ? from.data + row * from.row + chunk * 8 : from.data;
      ptx::cp_async<16>(tile + tile_offset<kColumns>(row, chunk), source, valid);
    }
  } else {
#pragma unroll 1
    for (int at = static_cast<int>(threadIdx.x); at < kRows * kColumns; at += kThreads) {
      const int row = at / kColumns, column = at % kColumns;
      T value(0.0f);
      if (row < from.rows && column < from.columns) {
        value = from.data[row * from.row + column * from.column];
      }
      tile[tile_offset<kColumns>(row, column / 8) + column % 8] = value;
    }
  }
}

/// Operand A of mma.m16n8k16: rows [row, row + 16) and depths [k, k + 16) of a tile that holds
/// (rows, depth), or with kDepthRows (depth, rows). row and k are multiples of 16.
template <int kColumns, bool kDepthRows, class T>
__device__ __forceinline__ void load_a(uint32_t (&a)[4], const T* tile, int row, int k) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if constexpr (kDepthRows) {
    ptx::ldmatrix_trans<4>(
        a, tile + tile_offset<kColumns>(k + lane % 8 + lane / 16 * 8, row / 8 + lane / 8 % 2));
  } else {
    ptx::ldmatrix<4>(a, tile + tile_offset<kColumns>(row + lane % 16, k / 8 + lane / 16));
  }
}

/// Operand B for two neighbouring products: columns [column, column + 16) and depths [k, k + 16)
/// of a tile that holds (columns, depth), or with kDepthRows (depth, columns). b[0] and b[1] are
/// for the first eight columns, b[2] and b[3] for the others.
template <int kColumns, bool kDepthRows, class T>
__device__ __forceinline__ void load_b(uint32_t (&b)[4], const T* tile, int column, int k) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if constexpr (kDepthRows) {
    ptx::ldmatrix_trans<4>(b, tile + tile_offset<kColumns>(k + lane % 16, column / 8 + lane / 16));
  } else {
    ptx::ldmatrix<4>(
        b, tile + tile_offset<kColumns>(column + lane % 8 + lane / 16 * 8, k / 8 + lane / 8 % 2));
  }
}

}  // namespace iolaus::gpu
