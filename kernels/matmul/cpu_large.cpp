// Large float products: oneDNN's sgemm on tiles of C that depend on the shape alone. sgemm itself
// splits by threads, also along k, which changes the result with their number; so each tile is
// computed by one thread.
#include <dnnl.h>

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/matmul/cpu_gemm.h"
#include "kernels/onednn.h"

namespace iolaus::cpu {
namespace {

// Whether sgemm can read a matrix with these strides; ld is then its leading dimension.
struct Layout {
  char transposed;
  int64_t ld;
};
Layout layout(int64_t rows, int64_t columns, int64_t row, int64_t column) {
  if (column == 1 && row >= columns) return {'N', row};
  if (row == 1 && column >= rows) return {'T', column};
  fail(ErrorCode::kInternal, "[matmul] cannot pass strides ({}, {}) to sgemm", row, column);
}

void tile(const Gemm& g, int64_t i, int64_t rows, int64_t j, int64_t columns) {
  float* c = g.c + i * g.c_row + j;
  float beta = g.beta;
  if (g.bias != nullptr) {
    for (int64_t r = 0; r < rows; ++r) {
      const float* bias = g.bias + (i + r) * g.bias_row + j * g.bias_column;
      float* out = c + r * g.c_row;
      for (int64_t q = 0; q < columns; ++q) {
        out[q] = bias[q * g.bias_column] + (beta == 0 ? 0.0f : beta * out[q]);
      }
    }
    beta = 1;
  }
  const Layout a = layout(g.m, g.k, g.a_row, g.a_column);
  const Layout b = layout(g.k, g.n, g.b_row, g.b_column);
  const onednn::OneThread one_thread;
  const dnnl_status_t status =
      dnnl_sgemm(a.transposed, b.transposed, rows, columns, g.k, g.alpha, g.a + i * g.a_row, a.ld,
                 g.b + j * g.b_column, b.ld, beta, c, g.c_row);
  IOLAUS_CHECK_CODE(status == dnnl_success, ErrorCode::kInternal, "[matmul] sgemm failed: {}",
                    static_cast<int>(status));
}

}  // namespace

void large_gemm(const Gemm& g) {
  const Tiles tiles(g.m, g.n, g.k, int64_t{1} << 21);  // about 15 to 30 us each
  parallel_for(tiles.across * tiles.down, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t / tiles.across * tiles.rows, j = t % tiles.across * tiles.columns;
      tile(g, i, std::min(tiles.rows, g.m - i), j, std::min(tiles.columns, g.n - j));
    }
  });
}

}  // namespace iolaus::cpu
