// The float products of the CPU variant of matmul: one matrix, C with dense rows.
#pragma once

#include <algorithm>
#include <cstdint>

namespace iolaus::cpu {

/// How a product is split among threads: tiles of C that depend on the shape alone, as square as
/// can be, of more than most/2 multiplications each.
struct Tiles {
  int64_t rows, columns;  // of one tile
  int64_t down, across;   // tiles
  Tiles(int64_t m, int64_t n, int64_t k, int64_t most) : rows(m), columns(n) {
    constexpr int64_t kStep = 48;
    while (rows * columns * k >= most) {
      int64_t& larger = rows >= columns ? rows : columns;
      if (larger < 2 * kStep) break;
      larger = (larger / 2 + kStep - 1) / kStep * kStep;
    }
    down = (m + rows - 1) / rows;
    across = (n + columns - 1) / columns;
  }
};

/// C = alpha A B + beta C + bias. C (m, n) has unit column stride. bias, where not null, is
/// bias[i bias_row + j bias_column]. With beta = 0 C is only written.
struct Gemm {
  int64_t m, n, k;
  const float* a;  // (m, k)
  int64_t a_row, a_column;
  const float* b;  // (k, n)
  int64_t b_row, b_column;
  float* c;  // (m, n)
  int64_t c_row;
  const float* bias = nullptr;
  int64_t bias_row = 0, bias_column = 0;
  float alpha = 1, beta = 0;
};

/// Whether small_gemm can run and is the faster way: small products on CPUs with AVX-512.
bool prefers_small_gemm(const Gemm& g);
/// Register tiles straight from the operands' memory, on the caller's thread.
void small_gemm(const Gemm& g);
/// oneDNN's sgemm, split into tiles by shape and run on all threads (not inside of a parallel
/// region, where the caller's thread does all).
void large_gemm(const Gemm& g);

}  // namespace iolaus::cpu
