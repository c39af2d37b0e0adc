// Arithmetic on shapes: element counts, strides, broadcasting.
#include "core/dims.h"

namespace iolaus {

std::string Dims::str() const {
  std::string text = "[";
  for (size_t i = 0; i < size_; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(values_[i]);
  }
  return text + "]";
}

int64_t checked_numel(const Dims& sizes) {
  int64_t numel = 1;
  bool empty = false;
  for (int64_t size : sizes) {
    IOLAUS_CHECK(size >= 0, "sizes must not be negative, got {}", sizes.str());
    if (size == 0) empty = true;
    // A zero elsewhere makes the product 0, but the others must still be countable for strides.
    IOLAUS_CHECK(!__builtin_mul_overflow(numel, size == 0 ? 1 : size, &numel),
                 "the number of elements of shape {} overflows int64", sizes.str());
  }
  return empty ? 0 : numel;
}

Dims contiguous_strides(const Dims& sizes) {
  Dims strides;
  strides.resize(sizes.size());
  int64_t step = 1;
  for (int i = sizes.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= std::max<int64_t>(sizes[i], 1);
  }
  return strides;
}

Dims channels_last_strides(const Dims& sizes) {
  const int rank = sizes.rank();
  IOLAUS_CHECK(rank == 4 || rank == 5, "channels-last needs 4 or 5 dimensions, got shape {}",
               sizes.str());
  Dims strides = sizes;
  int64_t step = 1;
  strides[1] = step;
  step *= std::max<int64_t>(sizes[1], 1);
  for (int i = rank - 1; i >= 2; --i) {
    strides[i] = step;
    step *= std::max<int64_t>(sizes[i], 1);
  }
  strides[0] = step;
  return strides;
}

Dims broadcast_shapes(const char* op, const Dims& a, const Dims& b) {
  if (a == b) return a;
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims out = longer;
  const size_t shift = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    const int64_t x = longer[i + shift], y = shorter[i];
    IOLAUS_CHECK(x == y || x == 1 || y == 1,
                 "[{}] shapes {} and {} do not broadcast: sizes {} and {} differ at dimension {}",
                 op, a.str(), b.str(), x, y, i + shift);
    out[i + shift] = x == 1 ? y : x;
  }
  return out;
}

int wrap_dim(const char* op, int64_t dim, int64_t rank) {
  const int64_t n = std::max<int64_t>(rank, 1);
  IOLAUS_CHECK_CODE(dim >= -n && dim < n, ErrorCode::kIndex,
                    "[{}] expected dim in [{}, {}], got {}", op, -n, n - 1, dim);
  return static_cast<int>(dim < 0 ? dim + n : dim);
}

}  // namespace iolaus
