// Comparison of a kernel's outputs with the reference, and random inputs for samples.
#include "kernels/check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/views.h"
#include "kernels/copy/copy.h"

namespace iolaus {
namespace {

double epsilon(DType dtype) {
  switch (dtype) {
    case kFloat16:
      return 0x1p-10;
    case kBFloat16:
      return 0x1p-7;
    case kFloat32:
      return 0x1p-23;
    case kFloat64:
      return 0x1p-52;
    default:
      return 0;
  }
}

// SplitMix64 (Steele, Lea, Flood 2014): enough for test inputs.
double next_uniform(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

// What lies between the elements of a strided output: no kernel may write there.
constexpr double kGap = 77;

bool has_gaps(const Tensor& x) {
  return x.numel() > 0 && x.storage()->nbytes() > static_cast<size_t>(x.nbytes());
}
Tensor whole_storage(const Tensor& x) {
  const auto count = static_cast<int64_t>(x.storage()->nbytes() / item_size(x.dtype()));
  return views::as_strided(x, {count}, {1}, 0);
}
bool are_gaps_untouched(const Tensor& x) {
  std::vector<double> values = whole_storage(x).to_vector<double>();
  const double gap = x.dtype() == kBool ? 1 : kGap;
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t rest = i, at = x.offset();
    for (int d = x.dim() - 1; d >= 0; --d) {
      at += rest % x.sizes()[d] * x.strides()[d];
      rest /= x.sizes()[d];
    }
    values[static_cast<size_t>(at)] = gap;
  }
  return std::all_of(values.begin(), values.end(), [&](double value) { return value == gap; });
}

}  // namespace

namespace detail {

Tensor clone_for_check(const Tensor& x, Role role, bool to_double, Device device) {
  const DType dtype = to_double && is_floating(x.dtype()) ? kFloat64 : x.dtype();
  // The same strides, gaps included: strided samples must stay strided.
  Tensor out = empty_strided(x.sizes(), x.strides(), {.dtype = dtype, .device = device});
  if (role != Role::kIn && has_gaps(out)) fill(whole_storage(out), kGap);
  if (role != Role::kOut) {
    // Expanded dimensions hold one element many times; it is written once.
    Tensor from = x, to = out;
    for (int d = 0; d < x.dim(); ++d) {
      if (x.strides()[d] != 0 || x.sizes()[d] < 2) continue;
      from = views::narrow(from, d, 0, 1);
      to = views::narrow(to, d, 0, 1);
    }
    copy(from, to);
  } else if (is_floating(dtype)) {
    fill(out, std::numeric_limits<double>::quiet_NaN());
  } else {
    fill(out, 1);  // the sample's own bytes are uninitialised
  }
  return out;
}

void compare_output(const char* name, const Tensor& actual, const Tensor& expected, DType dtype,
                    int64_t reduction, CheckResult& result) {
  const std::vector<double> a = actual.to_vector<double>(), e = expected.to_vector<double>();
  // An output of another dtype than the kernel's (a float32 statistic of a bfloat16 input) is still
  // computed from inputs of that dtype, so the coarser of the two counts.
  const double eps = std::max(epsilon(dtype), epsilon(actual.dtype()));
  double scale = 1, error = 0, difference = 0, norm = 0;
  bool same_kind = true;
  for (size_t i = 0; i < e.size(); ++i) {
    if (std::isnan(e[i]) || std::isinf(e[i]) || !std::isfinite(a[i])) {
      const bool overflowed = std::isinf(a[i]) && (a[i] > 0) == (e[i] > 0) && std::abs(e[i]) > 6e4;
      same_kind = same_kind && (overflowed || (std::isnan(e[i]) ? std::isnan(a[i]) : a[i] == e[i]));
      continue;
    }
    scale = std::max(scale, std::abs(e[i]));
    error = std::max(error, std::abs(a[i] - e[i]));
    difference += (a[i] - e[i]) * (a[i] - e[i]);
    norm += e[i] * e[i];
  }
  const bool inside = !has_gaps(actual) || are_gaps_untouched(actual);
  if (!same_kind || !inside) error = std::numeric_limits<double>::infinity();
  const bool exact = !is_floating(actual.dtype());
  const double bound = exact ? 0 : eps * (4 + std::sqrt(static_cast<double>(reduction))) * scale;
  if (error > bound) result.passed = false;
  if (result.output.empty() || error - bound > result.max_abs_error - result.bound) {
    result.output = inside ? name : std::string(name) + " (written outside of its view)";
    result.max_abs_error = error;
    result.bound = bound;
    result.relative_l2 = norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
  }
}

}  // namespace detail

Tensor sample_tensor(const Dims& sizes, DType dtype, uint64_t seed, double low, double high,
                     bool strided) {
  Dims padded = sizes;
  if (strided) {
    for (int64_t& size : padded) size = size * 2 + 1;
  }
  Tensor wide = empty(padded, {.dtype = kFloat64});
  uint64_t state = seed * 0x2545f4914f6cdd1du + 1;
  for (int64_t i = 0; i < wide.numel(); ++i) {
    const double value = low + (high - low) * next_uniform(state);
    wide.data<double>()[i] = is_floating(dtype) ? value : std::floor(value);
  }
  Tensor out = empty(padded, {.dtype = dtype});
  copy(wide, out);
  if (!strided) return out;
  for (int d = 0; d < sizes.rank(); ++d) {
    out = views::slice(out, d, 1, 1 + 2 * sizes[d], 2);
    out = views::narrow(out, d, 0, sizes[d]);
  }
  return out;
}

}  // namespace iolaus
