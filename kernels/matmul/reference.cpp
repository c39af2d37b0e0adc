// The truth for matmul: three loops, floating types in double, integers modulo 2^64.
#include "kernels/elementwise/domain.h"
#include "kernels/matmul/matmul.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

double real_element(const Matmul& p, const Matmul::Item& at, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t l = 0; l < p.k; ++l) {
    sum += load_real(at.a, p.element, i * p.row[1] + l * p.column[1]) *
           load_real(at.b, p.element, l * p.row[2] + j * p.column[2]);
  }
  double value = p.alpha * sum;
  if (p.beta != 0) {
    value += p.beta * load_real(at.c, p.element, i * p.row[0] + j * p.column[0]);
  }
  if (p.bias != nullptr) value += load_real(p.bias, p.element, j * p.bias_stride);
  return value;
}

int64_t integer_element(const Matmul& p, const Matmul::Item& at, int64_t i, int64_t j) {
  const auto load = [&](const void* data, int64_t index) {
    return static_cast<uint64_t>(load_integer(data, p.element, index));
  };
  uint64_t sum = 0;
  for (int64_t l = 0; l < p.k; ++l) {
    sum += load(at.a, i * p.row[1] + l * p.column[1]) * load(at.b, l * p.row[2] + j * p.column[2]);
  }
  uint64_t value = static_cast<uint64_t>(static_cast<int64_t>(p.alpha)) * sum;
  if (p.beta != 0) {
    value += static_cast<uint64_t>(static_cast<int64_t>(p.beta)) *
             load(at.c, i * p.row[0] + j * p.column[0]);
  }
  if (p.bias != nullptr) value += load(p.bias, j * p.bias_stride);
  return static_cast<int64_t>(value);
}

void run(const Matmul& p) {
  for (int64_t b = 0; b < p.batch; ++b) {
    const Matmul::Item at = p.item(b);
    for (int64_t i = 0; i < p.m; ++i) {
      for (int64_t j = 0; j < p.n; ++j) {
        const int64_t out = i * p.row[0] + j * p.column[0];
        if (is_floating(p.element)) {
          store_real(at.c, p.element, out, real_element(p, at, i, j));
        } else {
          store_integer(at.c, p.element, out, integer_element(p, at, i, j));
        }
      }
    }
  }
}

const bool kRegistered = matmul_kernels().add({"reference", kCPU, dtypes_of(NumberTypes{}), run});

}  // namespace
}  // namespace iolaus
