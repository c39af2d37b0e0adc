// The truth for reductions: one result after the other, floating types in double.
#include <cmath>

#include "kernels/elementwise/domain.h"
#include "kernels/reduce/reduce.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

int64_t offset_of(int64_t index, int rank, const int64_t* sizes, const int64_t* strides) {
  int64_t at = 0;
  for (int d = rank - 1; d >= 0; --d) {
    at += index % sizes[d] * strides[d];
    index /= sizes[d];
  }
  return at;
}

int64_t element_offset(const Reduce& r, int64_t base, int64_t i) {
  return base + offset_of(i, r.reduced_rank, r.reduced_sizes, r.reduced_strides);
}

// Whether x takes the place of best in amax, amin, argmax and argmin.
bool beats(ReduceOp op, double x, double best) {
  if (std::isnan(best)) return false;
  const bool largest = op == ReduceOp::kAmax || op == ReduceOp::kArgmax;
  return std::isnan(x) || (largest ? x > best : x < best);
}

// By two passes: the mean, then the squares around it.
double variance(const Reduce& r, int64_t base) {
  const auto element = [&](int64_t i) {
    return load_real(r.x, r.element, element_offset(r, base, i));
  };
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < r.reduced; ++i) sum += element(i);
  const double mean = sum / static_cast<double>(r.reduced);
  for (int64_t i = 0; i < r.reduced; ++i) {
    squares += (element(i) - mean) * (element(i) - mean);
  }
  return squares / r.divisor;
}

double real_result(const Reduce& r, int64_t base) {
  if (r.op == ReduceOp::kVar) return variance(r, base);
  if (r.op == ReduceOp::kStd) return std::sqrt(variance(r, base));
  double value = r.op == ReduceOp::kProd || r.op == ReduceOp::kAll ? 1 : 0;
  int64_t best = 0;
  for (int64_t i = 0; i < r.reduced; ++i) {
    const double x = load_real(r.x, r.element, element_offset(r, base, i));
    switch (r.op) {
      case ReduceOp::kSum:
      case ReduceOp::kMean:
        value += x;
        break;
      case ReduceOp::kProd:
        value *= x;
        break;
      case ReduceOp::kNorm:
        value += x * x;
        break;
      case ReduceOp::kAny:
        value = value != 0 || x != 0;
        break;
      case ReduceOp::kAll:
        value = value != 0 && x != 0;
        break;
      default:
        if (i == 0 || beats(r.op, x, value)) {
          value = x;
          best = i;
        }
    }
  }
  if (r.op == ReduceOp::kArgmax || r.op == ReduceOp::kArgmin) return static_cast<double>(best);
  if (r.op == ReduceOp::kMean) return value / static_cast<double>(r.reduced);
  return r.op == ReduceOp::kNorm ? std::sqrt(value) : value;
}

// Sums and products of integers wrap around.
int64_t integer_result(const Reduce& r, int64_t base) {
  uint64_t value = r.op == ReduceOp::kProd ? 1 : 0;
  for (int64_t i = 0; i < r.reduced; ++i) {
    const auto x = static_cast<uint64_t>(load_integer(r.x, r.element, element_offset(r, base, i)));
    value = r.op == ReduceOp::kProd ? value * x : value + x;
  }
  return static_cast<int64_t>(value);
}

void run(const Reduce& r) {
  const bool integer =
      !is_floating(r.element) && (r.op == ReduceOp::kSum || r.op == ReduceOp::kProd);
  for (int64_t i = 0; i < r.kept; ++i) {
    const int64_t base = offset_of(i, r.kept_rank, r.kept_sizes, r.kept_strides);
    const int64_t at = offset_of(i, r.kept_rank, r.kept_sizes, r.out_strides);
    if (integer) {
      store_integer(r.out, r.out_element, at, integer_result(r, base));
    } else {
      store_real(r.out, r.out_element, at, real_result(r, base));
    }
  }
}

bool add_all() {
  for (int i = 0; i < kReduceOpCount; ++i) {
    const auto op = static_cast<ReduceOp>(i);
    reduce_kernels(op).add({"reference", kCPU,
                            is_floating_only(op) ? dtypes_of(FloatTypes{}) : dtypes_of(AllTypes{}),
                            run});
  }
  return true;
}
const bool kRegistered = add_all();

}  // namespace
}  // namespace iolaus
