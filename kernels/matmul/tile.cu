// matmul by tiles in shared memory: any strides, any batch, every number type. Handwritten, for
// what cuBLASLt does not take and where it is not installed.
#include "kernels/elementwise/domain.h"
#include "kernels/matmul/matmul.h"
#include "kernels/tile_gemm.cuh"

namespace iolaus {
namespace {

template <class T> struct TileMatmul {
  using Sum = gpu::TileSum<T>;
  int64_t m, n, k, batch, splits;
  bool a_rows_fast, b_rows_fast;
  Sum alpha, beta;
  T* c_data;
  const T *a_data, *b_data, *bias;
  int64_t bias_stride, row[3], column[3];
  int batch_rank;
  int64_t batch_sizes[kMaxRank], batch_strides[3][kMaxRank];

  __device__ int64_t item_offset(int64_t item, int operand) const {
    int64_t at = 0;
    for (int d = batch_rank - 1; d >= 0; --d) {
      const int64_t quotient = gpu::fast_div(item, batch_sizes[d]);
      at += (item - quotient * batch_sizes[d]) * batch_strides[operand][d];
      item = quotient;
    }
    return at;
  }
  __device__ Sum a(int64_t item, int64_t i, int64_t l) const {
    return static_cast<Sum>(a_data[item_offset(item, 1) + i * row[1] + l * column[1]]);
  }
  __device__ Sum b(int64_t item, int64_t l, int64_t j) const {
    return static_cast<Sum>(b_data[item_offset(item, 2) + l * row[2] + j * column[2]]);
  }
  __device__ void store(int64_t item, int64_t, int64_t i, int64_t j, Sum sum) const {
    T& c = c_data[item_offset(item, 0) + i * row[0] + j * column[0]];
    Sum value = alpha * sum;
    if (beta != Sum(0)) value += beta * static_cast<Sum>(c);
    if (bias != nullptr) value += static_cast<Sum>(bias[j * bias_stride]);
    c = static_cast<T>(value);
  }
};

template <class T> void run_typed(const Matmul& p) {
  TileMatmul<T> t;
  using Sum = typename TileMatmul<T>::Sum;
  t.m = p.m, t.n = p.n, t.k = p.k, t.batch = p.batch, t.splits = 1;
  t.a_rows_fast = p.row[1] == 1 && p.column[1] != 1;
  t.b_rows_fast = p.row[2] == 1 && p.column[2] != 1;
  t.alpha = static_cast<Sum>(p.alpha), t.beta = static_cast<Sum>(p.beta);
  t.c_data = static_cast<T*>(p.data[0]);
  t.a_data = static_cast<const T*>(p.data[1]);
  t.b_data = static_cast<const T*>(p.data[2]);
  t.bias = static_cast<const T*>(p.bias);
  t.bias_stride = p.bias_stride;
  t.batch_rank = p.batch_rank;
  for (int i = 0; i < 3; ++i) t.row[i] = p.row[i], t.column[i] = p.column[i];
  for (int d = 0; d < p.batch_rank; ++d) {
    t.batch_sizes[d] = p.batch_sizes[d];
    for (int i = 0; i < 3; ++i) t.batch_strides[i][d] = p.batch_strides[i][d];
  }
  const cuda::OnDevice stream(p.device());
  gpu::launch_tile_gemm(t, stream);
}

void run(const Matmul& p) {
  visit_dtype(NumberTypes{}, "matmul", p.element, [&]<class T>() { run_typed<T>(p); });
}

const bool kRegistered = matmul_kernels().add({"tile", kCUDA, dtypes_of(NumberTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
