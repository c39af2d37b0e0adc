// matmul on the CPU. Operands are brought to a form that the inner routines read: C with dense rows
// (else its transpose is computed, else a copy), A and B dense in one direction (else a copy).
// float32 goes to cpu_small.cpp or cpu_large.cpp; 16-bit types are converted to float32 and back;
// float64 and integers have their own loop below.
#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/matmul/cpu_gemm.h"
#include "kernels/matmul/matmul.h"
#include "kernels/reduce/cpu_reduce.h"

namespace iolaus {
namespace {

using cpu::Gemm;

struct Matrix {
  int64_t rows, columns, row, column;  // sizes and strides

  Matrix transposed() const { return {columns, rows, column, row}; }
  // Strides of dimensions of size 1 are free; make them dense.
  void normalize() {
    if (rows == 1) row = column == 1 ? columns : 1;
    if (columns == 1) column = row == 1 ? rows : 1;
  }
  bool is_dense() const { return (column == 1 && row >= columns) || (row == 1 && column >= rows); }
};

// Copies a matrix to (from) dense rows of another type.
template <class To, class From>
void copy_matrix(const Matrix& from, const From* src, const Matrix& to, To* dst) {
  simd::run([&] {
    for (int64_t i = 0; i < from.rows; ++i) {
      const From* in = src + i * from.row;
      To* out = dst + i * to.row;
      if (from.column == 1 && to.column == 1) {
        for (int64_t j = 0; j < from.columns; ++j) {
          out[j] = static_cast<To>(static_cast<MathType<From>>(in[j]));
        }
      } else {
        for (int64_t j = 0; j < from.columns; ++j) {
          out[j * to.column] = static_cast<To>(static_cast<MathType<From>>(in[j * from.column]));
        }
      }
    }
  });
}

// Memory for a converted or densely copied matrix.
template <class T> class Scratch {
 public:
  T* get(const Matrix& m) {
    tensor_ = empty({m.rows * m.columns}, {.dtype = dtype_of<T>});
    return tensor_.data<T>();
  }

 private:
  Tensor tensor_;
};

// The operand as dense T: where it lies, or a copy in scratch. m becomes its geometry.
template <class T, class From> const T* dense(const From* data, Matrix& m, Scratch<T>& scratch) {
  m.normalize();
  if constexpr (std::is_same_v<T, From>) {
    if (m.is_dense()) return data;
  }
  const bool flip = m.row == 1 && m.column != 1;  // keeps the direction that is dense
  const Matrix source = flip ? m.transposed() : m;
  const Matrix copy{source.rows, source.columns, source.columns, 1};
  T* out = scratch.get(copy);
  copy_matrix(source, data, copy, out);
  m = flip ? copy.transposed() : copy;
  return out;
}

// The product of a row and a column, both dense: parts by shape alone, joined in double.
void dot(const Gemm& g) {
  constexpr int64_t kPart = 1 << 15;  // elements that are worth a thread
  const int64_t parts = (g.k + kPart - 1) / kPart;
  std::vector<double> sums(static_cast<size_t>(parts));
  parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
    alignas(64) float product[cpu::kReduceBlock];
    for (int64_t part = begin; part < end; ++part) {
      double sum = 0;
      const int64_t last = std::min(g.k, (part + 1) * kPart);
      for (int64_t at = part * kPart; at < last; at += cpu::kReduceBlock) {
        const int64_t n = std::min(cpu::kReduceBlock, last - at);
        const float *a = g.a + at, *b = g.b + at;
        simd::run([&] {
          for (int64_t i = 0; i < n; ++i) product[i] = a[i] * b[i];
        });
        sum += cpu::reduce_dense<cpu::SumStep, float, false>(product, n);
      }
      sums[static_cast<size_t>(part)] = sum;
    }
  });
  double total = 0;
  for (double sum : sums) total += sum;
  total *= static_cast<double>(g.alpha);
  if (g.beta != 0) total += static_cast<double>(g.beta) * static_cast<double>(*g.c);
  if (g.bias != nullptr) total += static_cast<double>(*g.bias);
  *g.c = static_cast<float>(total);
}

// One product of floats whose C has dense rows.
void float_gemm(const Gemm& g) {
  if (g.m == 1 && g.n == 1 && g.a_column == 1 && g.b_row == 1) return dot(g);
  if (cpu::prefers_small_gemm(g)) {
    cpu::small_gemm(g);
  } else {
    cpu::large_gemm(g);
  }
}

template <class T> void scale_only(const Matmul& p, const Matmul::Item& at) {
  using Math = MathType<T>;
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) {
      T& c = reinterpret_cast<T*>(at.c)[i * p.row[0] + j * p.column[0]];
      Math value = p.beta == 0 ? Math(0) : static_cast<Math>(p.beta) * static_cast<Math>(c);
      if (p.bias != nullptr) value += static_cast<const T*>(p.bias)[j * p.bias_stride];
      c = static_cast<T>(value);
    }
  }
}

// float32, float16 and bfloat16.
template <class T> void float_item(const Matmul& p, const Matmul::Item& at) {
  Matrix a{p.m, p.k, p.row[1], p.column[1]}, b{p.k, p.n, p.row[2], p.column[2]};
  Matrix c{p.m, p.n, p.row[0], p.column[0]};
  Scratch<float> a_copy, b_copy, c_copy, bias_copy;
  const float* a_data = dense(reinterpret_cast<const T*>(at.a), a, a_copy);
  const float* b_data = dense(reinterpret_cast<const T*>(at.b), b, b_copy);
  Matrix bias{1, p.n, p.n, p.bias_stride};
  const float* bias_data = nullptr;
  if (p.bias != nullptr) bias_data = dense(static_cast<const T*>(p.bias), bias, bias_copy);
  c.normalize();
  // One column, or rows that are not dense: C^T = B^T A^T.
  const bool flip = (c.row == 1 && c.column != 1) || (p.n == 1 && c.row == 1);
  auto* c_data = reinterpret_cast<T*>(at.c);
  Matrix result = flip ? c.transposed() : c;
  if (result.rows == 1) result.row = result.columns;
  const bool direct =
      std::is_same_v<T, float> && result.column == 1 && result.row >= result.columns;
  float* out = nullptr;
  Matrix work = result;
  if (direct) {
    out = reinterpret_cast<float*>(c_data);
  } else {
    work = {result.rows, result.columns, result.columns, 1};
    out = c_copy.get(work);
    if (p.beta != 0) copy_matrix(result, c_data, work, out);
  }
  Gemm g{.m = work.rows,
         .n = work.columns,
         .k = p.k,
         .a = a_data,
         .a_row = a.row,
         .a_column = a.column,
         .b = b_data,
         .b_row = b.row,
         .b_column = b.column,
         .c = out,
         .c_row = work.row,
         .bias = bias_data,
         .bias_row = 0,
         .bias_column = bias.column,
         .alpha = static_cast<float>(p.alpha),
         .beta = static_cast<float>(p.beta)};
  if (flip) {
    std::swap(g.a, g.b);
    g.a_row = b.column;
    g.a_column = b.row;
    g.b_row = a.column;
    g.b_column = a.row;
    std::swap(g.bias_row, g.bias_column);
  }
  float_gemm(g);
  if (!direct) copy_matrix(work, out, result, c_data);
}

// Rows [i, i + kRows) and columns [j, j + width) of C with dense rows of B; sums in registers and
// on the stack.
template <int kRows, class T, class Sum>
inline void generic_tile(const Matmul& p, const Matmul::Item& at, const T* b, int64_t b_row,
                         int64_t i, int64_t j, int64_t width) {
  constexpr int64_t kWidth = 64;
  Sum sum[kRows][kWidth] = {};
  const T* a = reinterpret_cast<const T*>(at.a) + i * p.row[1];
  for (int64_t l = 0; l < p.k; ++l) {
    const T* row = b + l * b_row + j;
    for (int r = 0; r < kRows; ++r) {
      const Sum x = static_cast<Sum>(a[r * p.row[1] + l * p.column[1]]);
      for (int64_t q = 0; q < width; ++q) sum[r][q] += x * static_cast<Sum>(row[q]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int64_t q = 0; q < width; ++q) {
      T& c = reinterpret_cast<T*>(at.c)[(i + r) * p.row[0] + (j + q) * p.column[0]];
      Sum y = static_cast<Sum>(static_cast<T>(p.alpha)) * sum[r][q];
      if (p.beta != 0) y += static_cast<Sum>(static_cast<T>(p.beta)) * static_cast<Sum>(c);
      if (p.bias != nullptr) {
        y += static_cast<Sum>(static_cast<const T*>(p.bias)[(j + q) * p.bias_stride]);
      }
      c = static_cast<T>(y);
    }
  }
}

// float64 (summed in double) and integers (modulo 2^64).
template <class T> void generic_item(const Matmul& p, const Matmul::Item& at) {
  using Sum = std::conditional_t<std::is_same_v<T, double>, double, uint64_t>;
  constexpr int64_t kRows = 4, kWidth = 64;
  Matrix b{p.k, p.n, p.row[2], p.column[2]};
  Scratch<T> scratch;
  const T* b_data = reinterpret_cast<const T*>(at.b);
  if (b.column != 1) {
    const Matrix copy{p.k, p.n, p.n, 1};
    T* out = scratch.get(copy);
    copy_matrix(b, b_data, copy, out);
    b = copy;
    b_data = out;
  }
  const int64_t bands = (p.m + kRows - 1) / kRows, strips = (p.n + kWidth - 1) / kWidth;
  const int64_t grain = std::max<int64_t>(1, 32768 / (kRows * kWidth * std::max<int64_t>(p.k, 1)));
  parallel_for(bands * strips, grain, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t i = t / strips * kRows, j = t % strips * kWidth;
        const int64_t rows = std::min(kRows, p.m - i), width = std::min(kWidth, p.n - j);
        if (rows == kRows && width == kWidth) {
          generic_tile<kRows, T, Sum>(p, at, b_data, b.row, i, j, kWidth);
        } else {
          for (int64_t r = 0; r < rows; ++r) {
            generic_tile<1, T, Sum>(p, at, b_data, b.row, i + r, j, width);
          }
        }
      }
    });
  });
}

template <class T> void run_item(const Matmul& p, const Matmul::Item& at) {
  if (p.k == 0 || p.alpha == 0) return scale_only<T>(p, at);
  if constexpr (std::is_same_v<MathType<T>, float>) {
    float_item<T>(p, at);
  } else {
    generic_item<T>(p, at);
  }
}

template <class T> void run_typed(const Matmul& p) {
  if (p.batch_rank == 0) return run_item<T>(p, p.item(0));
  // Small items are split over the threads; a large one uses all threads itself.
  const int64_t work = p.m * p.n * std::max<int64_t>(p.k, 1);
  const int64_t grain = work >= (1 << 21) ? p.batch : std::max<int64_t>(1, 100000 / work);
  parallel_for(p.batch, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) run_item<T>(p, p.item(i));
  });
}

void run(const Matmul& p) {
  if (p.m == 0 || p.n == 0 || p.batch == 0) return;
  visit_dtype(NumberTypes{}, "matmul", p.element, [&]<class T>() { run_typed<T>(p); });
}

const bool kRegistered = matmul_kernels().add({"cpu", kCPU, dtypes_of(NumberTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
