// The float products of the CPU variant of matmul: one matrix, C with dense rows.
#pragma once

#include <cstdint>

namespace iolaus::cpu {

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
