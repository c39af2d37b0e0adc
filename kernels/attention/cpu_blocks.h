// What the CPU's forward and backward passes of attention share: products of blocks, blocks of rows
// as dense numbers of the type that is computed in, and the scores of a block.
#pragma once

#include <limits>

#include "core/simd.h"
#include "kernels/attention/attention.h"
#include "kernels/matmul/cpu_gemm.h"
#include "kernels/scratch.h"

namespace iolaus::cpu {

inline constexpr int64_t kQueryBlock = 128, kKeyBlock = 256;

/// A matrix where it lies; strides in elements.
template <class M> struct Block {
  const M* data;
  int64_t row, column;
  Block transposed() const { return {data, column, row}; }
};

/// c (m, n, rows c_row apart) = alpha a b + beta c, on this thread or, for large floats outside of
/// parallel regions, all.
template <class M>
void multiply(int64_t m, int64_t n, int64_t k, M alpha, const Block<M>& a, const Block<M>& b,
              M beta, M* c, int64_t c_row) {
  if (m == 0 || n == 0) return;
  if constexpr (std::is_same_v<M, float>) {
    if (k > 0) {
      const Gemm g{.m = m,
                   .n = n,
                   .k = k,
                   .a = a.data,
                   .a_row = a.row,
                   .a_column = a.column,
                   .b = b.data,
                   .b_row = b.row,
                   .b_column = b.column,
                   .c = c,
                   .c_row = c_row,
                   .alpha = alpha,
                   .beta = beta};
      return prefers_small_gemm(g) ? small_gemm(g) : large_gemm(g);
    }
  }
  simd::run([&] {
    for (int64_t i = 0; i < m; ++i) {
      M* row = c + i * c_row;
      for (int64_t j = 0; j < n; ++j) row[j] = beta == M(0) ? M(0) : beta * row[j];
      for (int64_t l = 0; l < k; ++l) {
        const M x = alpha * a.data[i * a.row + l * a.column];
        for (int64_t j = 0; j < n; ++j) row[j] += x * b.data[l * b.row + j * b.column];
      }
    }
  });
}

/// Rows [first, first + rows) of one head of x: where they lie, or converted into scratch.
template <class T>
Block<MathType<T>> rows_of(const AttentionOperand& x, int64_t b, int64_t h, int64_t first,
                           int64_t rows, int64_t width, MathType<T>* scratch) {
  using M = MathType<T>;
  const T* from = static_cast<const T*>(x.data) + b * x.batch + h * x.head + first * x.row;
  if constexpr (std::is_same_v<T, M>) {
    if (x.row >= width && width > 0) return {from, x.row, 1};
  }
  simd::run([&] {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t d = 0; d < width; ++d) {
        scratch[i * width + d] = static_cast<M>(from[i * x.row + d]);
      }
    }
  });
  return {scratch, std::max<int64_t>(width, 1), 1};
}

/// Writes dense rows to rows [first, first + rows) of x, converted.
template <class T>
void store_rows(const MathType<T>* from, const AttentionOperand& x, int64_t b, int64_t h,
                int64_t first, int64_t rows, int64_t width) {
  T* to = static_cast<T*>(x.data) + b * x.batch + h * x.head + first * x.row;
  simd::run([&] {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t d = 0; d < width; ++d) to[i * x.row + d] = static_cast<T>(from[i * width + d]);
    }
  });
}

/// Keys that the queries up to `last` see.
inline int64_t visible_keys(const Attention& p, int64_t last) {
  return p.causal ? std::min(p.keys, last) : p.keys;
}

/// s (rows, columns; kKeyBlock apart) = the scores of queries from i on and keys from j on.
template <class T>
void scores(const Attention& p, int64_t b, int64_t h, int64_t i, int64_t rows, int64_t j,
            int64_t columns, const Block<MathType<T>>& q, const Block<MathType<T>>& k,
            MathType<T>* s) {
  using M = MathType<T>;
  constexpr M kHidden = -std::numeric_limits<M>::infinity();
  multiply<M>(rows, columns, p.width, static_cast<M>(p.scale), q, k.transposed(), M(0), s,
              kKeyBlock);
  for (int64_t r = 0; r < rows; ++r) {
    M* row = s + r * kKeyBlock;
    if (p.mask != nullptr) {
      const int64_t at = b * p.mask_strides[0] + h * p.mask_strides[1] +
                         (i + r) * p.mask_strides[2] + j * p.mask_strides[3];
      const int64_t stride = p.mask_strides[3];
      if (p.mask_is_bool) {
        const bool* mask = static_cast<const bool*>(p.mask) + at;
        for (int64_t c = 0; c < columns; ++c) row[c] = mask[c * stride] ? row[c] : kHidden;
      } else {
        const T* mask = static_cast<const T*>(p.mask) + at;
        for (int64_t c = 0; c < columns; ++c) row[c] += static_cast<M>(mask[c * stride]);
      }
    }
    if (p.causal) {
      for (int64_t c = std::max<int64_t>(0, i + r + 1 - j); c < columns; ++c) row[c] = kHidden;
    }
  }
}

}  // namespace iolaus::cpu
