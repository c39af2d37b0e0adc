// Geometry of views, with PyTorch's rules.
#include "core/views.h"

#include <algorithm>

namespace iolaus::views {

Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides, int64_t offset) {
  IOLAUS_CHECK(sizes.size() == strides.size(), "[as_strided] {} sizes but {} strides", sizes.size(),
               strides.size());
  const int64_t numel = checked_numel(sizes);
  IOLAUS_CHECK(offset >= 0, "[as_strided] expected offset >= 0, got {}", offset);
  int64_t last = offset;
  for (size_t i = 0; i < sizes.size(); ++i) {
    IOLAUS_CHECK(strides[i] >= 0, "[as_strided] strides must not be negative, got {}",
                 strides.str());
    int64_t reach = 0;
    IOLAUS_CHECK(!__builtin_mul_overflow(std::max<int64_t>(sizes[i] - 1, 0), strides[i], &reach) &&
                     !__builtin_add_overflow(last, reach, &last),
                 "[as_strided] sizes {} with strides {} overflow", sizes.str(), strides.str());
  }
  const auto available = static_cast<int64_t>(x.storage()->nbytes() / item_size(x.dtype()));
  IOLAUS_CHECK(numel == 0 || last < available,
               "[as_strided] sizes {}, strides {}, offset {} reach element {} of a storage of {}",
               sizes.str(), strides.str(), offset, last, available);
  return make_view(x, sizes, strides, offset);
}

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  IOLAUS_CHECK_CODE(x.dim() > 0, ErrorCode::kIndex, "[select] cannot index a 0-dim tensor");
  const int d = wrap_dim("select", dim, x.dim());
  const int64_t size = x.sizes()[d];
  IOLAUS_CHECK_CODE(index >= -size && index < size, ErrorCode::kIndex,
                    "[select] index {} is out of range for dimension {} of size {}", index, d,
                    size);
  Dims sizes = x.sizes(), strides = x.strides();
  const int64_t offset = x.offset() + (index < 0 ? index + size : index) * strides[d];
  sizes.erase(d);
  strides.erase(d);
  return make_view(x, sizes, strides, offset);
}

Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step) {
  IOLAUS_CHECK_CODE(x.dim() > 0, ErrorCode::kIndex, "[slice] cannot slice a 0-dim tensor");
  IOLAUS_CHECK(step > 0, "[slice] expected step > 0, got {}", step);
  const int d = wrap_dim("slice", dim, x.dim());
  const int64_t size = x.sizes()[d];
  if (start < 0) start += size;
  if (end < 0) end += size;
  start = std::clamp<int64_t>(start, 0, size);
  end = std::clamp<int64_t>(end, start, size);
  Dims sizes = x.sizes(), strides = x.strides();
  const int64_t offset = x.offset() + start * strides[d];
  sizes[d] = (end - start) / step + ((end - start) % step != 0 ? 1 : 0);
  if (sizes[d] > 1) strides[d] *= step;
  return make_view(x, sizes, strides, offset);
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  IOLAUS_CHECK_CODE(x.dim() > 0, ErrorCode::kIndex, "[narrow] cannot narrow a 0-dim tensor");
  const int d = wrap_dim("narrow", dim, x.dim());
  const int64_t size = x.sizes()[d];
  IOLAUS_CHECK_CODE(start >= -size && start <= size, ErrorCode::kIndex,
                    "[narrow] start {} is out of range for dimension {} of size {}", start, d,
                    size);
  if (start < 0) start += size;
  IOLAUS_CHECK_CODE(length >= 0 && length <= size - start, ErrorCode::kIndex,
                    "[narrow] start {} and length {} exceed dimension {} of size {}", start, length,
                    d, size);
  return slice(x, d, start, start + length);
}

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  const int a = wrap_dim("transpose", dim0, x.dim()), b = wrap_dim("transpose", dim1, x.dim());
  Dims sizes = x.sizes(), strides = x.strides();
  if (x.dim() > 0) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return make_view(x, sizes, strides, x.offset());
}

Tensor permute(const Tensor& x, const Dims& dims) {
  IOLAUS_CHECK(dims.rank() == x.dim(), "[permute] {} dims for a tensor of shape {}", dims.size(),
               x.sizes().str());
  Dims sizes, strides;
  uint32_t seen = 0;
  for (int64_t dim : dims) {
    const int d = wrap_dim("permute", dim, x.dim());
    IOLAUS_CHECK((seen >> d & 1u) == 0, "[permute] dimension {} is repeated in {}", d, dims.str());
    seen |= 1u << d;
    sizes.push_back(x.sizes()[d]);
    strides.push_back(x.strides()[d]);
  }
  return make_view(x, sizes, strides, x.offset());
}

Tensor expand(const Tensor& x, const Dims& sizes) {
  IOLAUS_CHECK(sizes.rank() >= x.dim(), "[expand] shape {} has fewer dimensions than {}",
               sizes.str(), x.sizes().str());
  Dims out = sizes, strides = Dims::filled(sizes.size(), 0);
  const size_t shift = sizes.size() - x.sizes().size();
  for (size_t i = 0; i < sizes.size(); ++i) {
    IOLAUS_CHECK(sizes[i] >= 0 || (sizes[i] == -1 && i >= shift), "[expand] invalid shape {}",
                 sizes.str());
    if (i < shift) continue;
    const int64_t size = x.sizes()[i - shift];
    if (out[i] == -1) out[i] = size;
    IOLAUS_CHECK(size == out[i] || size == 1,
                 "[expand] cannot expand shape {} to {}: dimension {} has size {}, not 1",
                 x.sizes().str(), sizes.str(), i - shift, size);
    if (size == out[i]) strides[i] = x.strides()[i - shift];
  }
  checked_numel(out);
  return make_view(x, out, strides, x.offset());
}

Dims infer_sizes(const char* op, const Dims& sizes, int64_t numel) {
  Dims out = sizes;
  int inferred = -1;
  for (int i = 0; i < sizes.rank(); ++i) {
    if (sizes[i] != -1) continue;
    IOLAUS_CHECK(inferred < 0, "[{}] only one size may be -1, got {}", op, sizes.str());
    inferred = i;
    out[i] = 1;
  }
  const int64_t known = checked_numel(out);
  if (inferred >= 0) {
    IOLAUS_CHECK(known > 0 && numel % known == 0, "[{}] shape {} does not fit {} elements", op,
                 sizes.str(), numel);
    out[inferred] = numel / known;
  } else {
    IOLAUS_CHECK(known == numel, "[{}] shape {} does not fit {} elements", op, sizes.str(), numel);
  }
  return out;
}

std::optional<Tensor> try_view(const Tensor& x, const Dims& sizes) {
  if (x.numel() == 0 || x.is_contiguous()) {
    return make_view(x, sizes, contiguous_strides(sizes), x.offset());
  }
  // Walks both shapes from the back: a run of old dimensions that lie densely in one another may
  // be cut anew; a new dimension may not cross the end of a run.
  Dims strides = Dims::filled(sizes.size(), 1);
  int d = sizes.rank() - 1;
  int64_t base = x.strides().back(), old_run = 1, new_run = 1;
  for (int i = x.sizes().rank() - 1; i >= 0; --i) {
    old_run *= x.sizes()[i];
    const bool run_ends = i == 0 || (x.sizes()[i - 1] != 1 && x.strides()[i - 1] != old_run * base);
    if (!run_ends) continue;
    while (d >= 0 && (new_run < old_run || sizes[d] == 1)) {
      strides[d] = new_run * base;
      new_run *= sizes[d];
      --d;
    }
    if (new_run != old_run) return std::nullopt;
    if (i > 0) {
      base = x.strides()[i - 1];
      old_run = new_run = 1;
    }
  }
  if (d >= 0) return std::nullopt;
  return make_view(x, sizes, strides, x.offset());
}

Tensor view(const Tensor& x, const Dims& sizes) {
  const Dims full = infer_sizes("view", sizes, x.numel());
  std::optional<Tensor> out = try_view(x, full);
  IOLAUS_CHECK(out.has_value(),
               "[view] shape {} with strides {} cannot be viewed as {} without a copy; use reshape",
               x.sizes().str(), x.strides().str(), full.str());
  return *std::move(out);
}

Tensor squeeze(const Tensor& x) {
  Dims sizes, strides;
  for (size_t i = 0; i < x.sizes().size(); ++i) {
    if (x.sizes()[i] == 1) continue;
    sizes.push_back(x.sizes()[i]);
    strides.push_back(x.strides()[i]);
  }
  return make_view(x, sizes, strides, x.offset());
}

Tensor squeeze(const Tensor& x, int64_t dim) {
  const int d = wrap_dim("squeeze", dim, x.dim());
  Dims sizes = x.sizes(), strides = x.strides();
  if (x.dim() > 0 && sizes[d] == 1) {
    sizes.erase(d);
    strides.erase(d);
  }
  return make_view(x, sizes, strides, x.offset());
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  const int d = wrap_dim("unsqueeze", dim, x.dim() + 1);
  Dims sizes = x.sizes(), strides = x.strides();
  const int64_t stride = d < x.dim() ? sizes[d] * strides[d] : 1;
  sizes.insert(d, 1);
  strides.insert(d, stride);
  return make_view(x, sizes, strides, x.offset());
}

Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step) {
  const int d = wrap_dim("unfold", dim, x.dim());
  const int64_t length = x.dim() == 0 ? 1 : x.sizes()[d];
  IOLAUS_CHECK(size >= 0 && size <= length, "[unfold] expected size in [0, {}], got {}", length,
               size);
  IOLAUS_CHECK(step > 0, "[unfold] expected step > 0, got {}", step);
  Dims sizes = x.sizes(), strides = x.strides();
  const int64_t stride = x.dim() == 0 ? 1 : strides[d];
  if (x.dim() > 0) {
    sizes[d] = (length - size) / step + 1;
    strides[d] = stride * std::min(step, length + 1);  // beyond it there is one window
  }
  sizes.push_back(size);
  strides.push_back(stride);
  return make_view(x, sizes, strides, x.offset());
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim0, int64_t dim1) {
  const int a = wrap_dim("diagonal", dim0, x.dim()), b = wrap_dim("diagonal", dim1, x.dim());
  IOLAUS_CHECK(a != b, "[diagonal] dim0 and dim1 are the same dimension {}", a);
  const int64_t rows = x.sizes()[a], columns = x.sizes()[b];
  const int64_t length =
      offset >= 0 ? std::min(rows, columns - offset) : std::min(rows + offset, columns);
  Dims sizes = x.sizes(), strides = x.strides();
  int64_t start = x.offset();
  if (length > 0) start += offset >= 0 ? offset * strides[b] : -offset * strides[a];
  const int64_t stride = strides[a] + strides[b];
  for (int d : {std::max(a, b), std::min(a, b)}) {
    sizes.erase(d);
    strides.erase(d);
  }
  sizes.push_back(std::max<int64_t>(length, 0));
  strides.push_back(stride);
  return make_view(x, sizes, strides, start);
}

}  // namespace iolaus::views
