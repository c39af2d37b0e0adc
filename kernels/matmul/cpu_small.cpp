// Small float products, where the packing of a general routine costs more than it gains: tiles of C
// are kept in AVX-512 registers and the operands are read from where they lie. Two forms:
//   outer  rows of B are dense: C[i, j..] += A[i, l] B[l, j..]
//   dot    rows of A and columns of B are dense (x W^T): C[i, j] = A[i, ..] . B[.., j]
// The order of summation depends on the shape alone. Other CPUs take the general routine.
#include "core/simd.h"
#include "kernels/matmul/cpu_gemm.h"

#if defined(__x86_64__)
// GCC 12 takes the undefined vectors that its own header begins with for a mistake.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#endif

namespace iolaus::cpu {

#if defined(__x86_64__)
namespace {

#define IOLAUS_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]]

IOLAUS_AVX512 inline __mmask16 low_lanes(int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : (1 << count) - 1);
}

// Rows [i, i + kRows) and columns [j, j + width) of C, width in (16 (kVectors - 1), 16 kVectors].
template <int kRows, int kVectors>
IOLAUS_AVX512 void outer_tile(const Gemm& g, int64_t i, int64_t j, int64_t width) {
  const __mmask16 last = low_lanes(width - 16 * (kVectors - 1));
  __m512 sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_setzero_ps();
  }
  const float* a = g.a + i * g.a_row;
  const float* b = g.b + j;
  for (int64_t l = 0; l < g.k; ++l, a += g.a_column, b += g.b_row) {
    __m512 row[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors - 1; ++v) row[v] = _mm512_loadu_ps(b + 16 * v);
    row[kVectors - 1] = _mm512_maskz_loadu_ps(last, b + 16 * (kVectors - 1));
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const __m512 x = _mm512_set1_ps(a[r * g.a_row]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_fmadd_ps(x, row[v], sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const __mmask16 mask = v == kVectors - 1 ? last : static_cast<__mmask16>(0xffff);
      float* c = g.c + (i + r) * g.c_row + j + 16 * v;
      __m512 y = _mm512_mul_ps(sum[r][v], _mm512_set1_ps(g.alpha));
      if (g.beta != 0) {
        y = _mm512_fmadd_ps(_mm512_set1_ps(g.beta), _mm512_maskz_loadu_ps(mask, c), y);
      }
      if (g.bias != nullptr) {
        const float* bias = g.bias + (i + r) * g.bias_row;
        y = _mm512_add_ps(y, g.bias_column == 0 ? _mm512_set1_ps(*bias)
                                                : _mm512_maskz_loadu_ps(mask, bias + j + 16 * v));
      }
      _mm512_mask_storeu_ps(c, mask, y);
    }
  }
}

// A strip of columns: as many rows at a time as registers allow.
template <int kVectors, int kMost>
IOLAUS_AVX512 void outer_strip(const Gemm& g, int64_t j, int64_t width) {
  int64_t i = 0;
  for (; i + kMost <= g.m; i += kMost) outer_tile<kMost, kVectors>(g, i, j, width);
  if constexpr (kMost > 8) {
    for (; i + 8 <= g.m; i += 8) outer_tile<8, kVectors>(g, i, j, width);
  }
  for (; i + 4 <= g.m; i += 4) outer_tile<4, kVectors>(g, i, j, width);
  if (i + 2 <= g.m) {
    outer_tile<2, kVectors>(g, i, j, width);
    i += 2;
  }
  if (i < g.m) outer_tile<1, kVectors>(g, i, j, width);
}

IOLAUS_AVX512 void outer_form(const Gemm& g) {
  for (int64_t j = 0; j < g.n; j += 64) {
    const int64_t width = g.n - j < 64 ? g.n - j : 64;
    if (width > 48) {
      outer_strip<4, 6>(g, j, width);
    } else if (width > 32) {
      outer_strip<3, 8>(g, j, width);
    } else if (width > 16) {
      outer_strip<2, 12>(g, j, width);
    } else {
      outer_strip<1, 16>(g, j, width);
    }
  }
}

// The sums of the 16 lanes of each of four vectors.
IOLAUS_AVX512 inline __m128 sum4(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 low =
      _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd)));
  const __m512 high =
      _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd)));
  const __m512 quads = _mm512_add_ps(low, high);
  const __m256 halves =
      _mm256_add_ps(_mm512_castps512_ps256(quads), _mm512_extractf32x8_ps(quads, 1));
  return _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1));
}

template <int kRows, int kColumns>
IOLAUS_AVX512 void dot_tile(const Gemm& g, int64_t i, int64_t j) {
  __m512 sum[kRows][kColumns];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int q = 0; q < kColumns; ++q) sum[r][q] = _mm512_setzero_ps();
  }
  const float* a = g.a + i * g.a_row;
  const float* b = g.b + j * g.b_column;
  for (int64_t l = 0; l < g.k; l += 16) {
    const __mmask16 mask = low_lanes(g.k - l);
    __m512 rows[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) rows[r] = _mm512_maskz_loadu_ps(mask, a + r * g.a_row + l);
#pragma GCC unroll 8
    for (int q = 0; q < kColumns; ++q) {
      const __m512 y = _mm512_maskz_loadu_ps(mask, b + q * g.b_column + l);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sum[r][q] = _mm512_fmadd_ps(rows[r], y, sum[r][q]);
    }
  }
  alignas(16) float total[kColumns][4];
  const __m512 zero = _mm512_setzero_ps();
#pragma GCC unroll 8
  for (int q = 0; q < kColumns; ++q) {
    _mm_store_ps(total[q], sum4(sum[0][q], kRows > 1 ? sum[kRows > 1 ? 1 : 0][q] : zero,
                                kRows > 2 ? sum[kRows > 2 ? 2 : 0][q] : zero,
                                kRows > 3 ? sum[kRows > 3 ? 3 : 0][q] : zero));
  }
  for (int r = 0; r < kRows; ++r) {
    float* c = g.c + (i + r) * g.c_row + j;
    for (int q = 0; q < kColumns; ++q) {
      float y = g.alpha * total[q][r];
      if (g.beta != 0) y += g.beta * c[q];
      if (g.bias != nullptr) y += g.bias[(i + r) * g.bias_row + (j + q) * g.bias_column];
      c[q] = y;
    }
  }
}

template <int kRows> IOLAUS_AVX512 void dot_rows(const Gemm& g, int64_t i) {
  int64_t j = 0;
  for (; j + 6 <= g.n; j += 6) dot_tile<kRows, 6>(g, i, j);
  if (j + 4 <= g.n) {
    dot_tile<kRows, 4>(g, i, j);
    j += 4;
  }
  for (; j < g.n; ++j) dot_tile<kRows, 1>(g, i, j);
}

IOLAUS_AVX512 void dot_form(const Gemm& g) {
  int64_t i = 0;
  for (; i + 4 <= g.m; i += 4) dot_rows<4>(g, i);
  if (i + 2 <= g.m) {
    dot_rows<2>(g, i);
    i += 2;
  }
  if (i < g.m) dot_rows<1>(g, i);
}
#undef IOLAUS_AVX512

bool is_outer(const Gemm& g) { return g.b_column == 1; }
bool is_dot(const Gemm& g) { return g.a_column == 1 && g.b_row == 1; }

}  // namespace

// The limits were measured on Sapphire Rapids, where the general routine takes over.
bool prefers_small_gemm(const Gemm& g) {
  if (simd::level() != simd::Level::kAvx512) return false;
  const int64_t work = g.m * g.n * g.k;
  if (g.m == 1) return work <= 65536 && (is_outer(g) || is_dot(g));
  if (is_outer(g)) return work <= 700000;
  return is_dot(g) && (g.m <= 8 ? work <= 500000 : g.n <= 16 && work <= 100000);
}

void small_gemm(const Gemm& g) { is_outer(g) ? outer_form(g) : dot_form(g); }

#else
bool prefers_small_gemm(const Gemm&) { return false; }
void small_gemm(const Gemm&) {}
#endif

}  // namespace iolaus::cpu
