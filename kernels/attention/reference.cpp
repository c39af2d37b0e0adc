// The truth for attention, in double: every row of probabilities is written out.
#include <cmath>
#include <limits>

#include "kernels/attention/attention.h"
#include "kernels/elementwise/domain.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

int64_t offset(const AttentionOperand& x, int64_t b, int64_t h, int64_t row, int64_t column) {
  return b * x.batch + h * x.head + row * x.row + column;
}

double load(const Attention& p, const AttentionOperand& x, int64_t b, int64_t h, int64_t row,
            int64_t column) {
  return load_real(x.data, p.element, offset(x, b, h, row, column));
}

double score(const Attention& p, int64_t b, int64_t h, int64_t i, int64_t j) {
  if (p.causal && j > i) return -kInfinity;
  double sum = 0;
  for (int64_t d = 0; d < p.width; ++d) {
    sum += load(p, p.q, b, h, i, d) * load(p, p.k, b, h / p.group(), j, d);
  }
  sum *= p.scale;
  if (p.mask == nullptr) return sum;
  const int64_t at =
      b * p.mask_strides[0] + h * p.mask_strides[1] + i * p.mask_strides[2] + j * p.mask_strides[3];
  if (p.mask_is_bool) return load_integer(p.mask, kBool, at) != 0 ? sum : -kInfinity;
  return sum + load_real(p.mask, p.element, at);
}

// Row i of p, and its lse.
std::vector<double> probabilities(const Attention& p, int64_t b, int64_t h, int64_t i,
                                  double& lse) {
  std::vector<double> row(static_cast<size_t>(p.keys));
  double largest = -kInfinity, sum = 0;
  for (int64_t j = 0; j < p.keys; ++j) {
    row[static_cast<size_t>(j)] = score(p, b, h, i, j);
    largest = std::max(largest, row[static_cast<size_t>(j)]);
  }
  const double shift = largest == -kInfinity ? 0 : largest;
  for (double& x : row) sum += x = std::exp(x - shift);
  for (double& x : row) x = sum == 0 ? 0 : x / sum;
  lse = shift + std::log(sum);
  return row;
}

template <class Fn> void for_each_row(const Attention& p, Fn&& fn) {
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t h = 0; h < p.heads; ++h) {
      for (int64_t i = 0; i < p.queries; ++i) fn(b, h, i);
    }
  }
}

void forward(const Attention& p) {
  for_each_row(p, [&](int64_t b, int64_t h, int64_t i) {
    double lse = 0;
    const std::vector<double> row = probabilities(p, b, h, i, lse);
    for (int64_t d = 0; d < p.value_width; ++d) {
      double sum = 0;
      for (int64_t j = 0; j < p.keys; ++j) {
        sum += row[static_cast<size_t>(j)] * load(p, p.v, b, h / p.group(), j, d);
      }
      store_real(p.out.data, p.element, offset(p.out, b, h, i, d), sum);
    }
    store_real(p.lse, statistics_dtype(p.element), (b * p.heads + h) * p.queries + i, lse);
  });
}

// Sums of one gradient, written at the end.
struct Sums {
  int64_t heads, rows, width;
  std::vector<double> values;
  Sums(int64_t batch, int64_t h, int64_t r, int64_t w)
      : heads(h), rows(r), width(w), values(static_cast<size_t>(batch * h * r * w)) {}
  double* row(int64_t b, int64_t h, int64_t r) {
    return values.data() + ((b * heads + h) * rows + r) * width;
  }
  void store(const Attention& p, const AttentionOperand& to) {
    for (int64_t b = 0; b < p.batch; ++b) {
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t d = 0; d < width; ++d) {
            store_real(to.data, p.element, offset(to, b, h, r, d), row(b, h, r)[d]);
          }
        }
      }
    }
  }
};

void backward(const Attention& p) {
  Sums dq(p.batch, p.heads, p.queries, p.width), dk(p.batch, p.kv_heads, p.keys, p.width),
      dv(p.batch, p.kv_heads, p.keys, p.value_width);
  for_each_row(p, [&](int64_t b, int64_t h, int64_t i) {
    double lse = 0, total = 0;
    const int64_t shared = h / p.group();
    const std::vector<double> row = probabilities(p, b, h, i, lse);
    std::vector<double> dp(row.size());
    for (int64_t j = 0; j < p.keys; ++j) {
      const auto at = static_cast<size_t>(j);
      for (int64_t d = 0; d < p.value_width; ++d) {
        const double g = load(p, p.g, b, h, i, d);
        dp[at] += g * load(p, p.v, b, shared, j, d);
        dv.row(b, shared, j)[d] += row[at] * g;
      }
      total += row[at] * dp[at];
    }
    for (int64_t j = 0; j < p.keys; ++j) {
      const auto at = static_cast<size_t>(j);
      const double ds = row[at] * (dp[at] - total) * p.scale;
      for (int64_t d = 0; d < p.width; ++d) {
        dq.row(b, h, i)[d] += ds * load(p, p.k, b, shared, j, d);
        dk.row(b, shared, j)[d] += ds * load(p, p.q, b, h, i, d);
      }
    }
  });
  dq.store(p, p.dq);
  dk.store(p, p.dk);
  dv.store(p, p.dv);
}

const bool kForward =
    attention_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), forward});
const bool kBackward =
    attention_backward_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), backward});

}  // namespace
}  // namespace iolaus
