// Gathering strided tensors into row-major bytes, and filling dense ones from a source.
#include "core/io/tensor_bytes.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace iolaus::io {
namespace {

// Copies the elements of geometry (sizes, strides) at from to to, row-major.
void gather(const Tensor& t, const char* from, char* to) {
  const size_t size = item_size(t.dtype());
  const int last = t.sizes().rank() - 1;
  const int64_t columns = last < 0 ? 1 : t.sizes()[last];
  const int64_t step = last < 0 ? 1 : t.strides()[last];
  Dims index = Dims::filled(t.sizes().size(), 0);
  int64_t position = 0;
  for (int64_t row = 0; row < t.numel() / columns; ++row) {
    for (int64_t i = 0; i < columns; ++i, to += size) {
      std::memcpy(to, from + static_cast<size_t>(position + i * step) * size, size);
    }
    for (int d = last - 1; d >= 0; --d) {
      position += t.strides()[d];
      if (++index[d] < t.sizes()[d]) break;
      position -= t.strides()[d] * t.sizes()[d];
      index[d] = 0;
    }
  }
}

// Bytes from the first to behind the last element that a tensor reaches.
size_t reach(const Tensor& t) {
  int64_t last = 0;
  for (size_t i = 0; i < t.sizes().size(); ++i) last += (t.sizes()[i] - 1) * t.strides()[i];
  return static_cast<size_t>(last + 1) * item_size(t.dtype());
}

template <size_t kSize> void swap_all(char* data, size_t nbytes) {
  for (size_t i = 0; i < nbytes; i += kSize) std::reverse(data + i, data + i + kSize);
}

}  // namespace

HostElements host_elements(const Tensor& tensor) {
  HostElements out;
  out.nbytes = tensor.nbytes();
  if (out.nbytes == 0) return out;
  if (tensor.device().is_cpu() && tensor.is_contiguous()) {
    out.tensor = tensor;
    out.data = static_cast<const char*>(tensor.raw_data());
    return out;
  }
  const auto* from = static_cast<const char*>(tensor.raw_data());
  std::vector<char> reached;
  if (!tensor.device().is_cpu()) {
    reached.resize(reach(tensor));
    copy_bytes(reached.data(), Device(), from, tensor.device(), reached.size());
    from = reached.data();
  }
  if (tensor.is_contiguous()) {
    out.copy = std::move(reached);
  } else {
    out.copy.resize(out.nbytes);
    gather(tensor, from, out.copy.data());
  }
  out.data = out.copy.data();
  return out;
}

void read_elements(const Source& source, uint64_t offset, const Tensor& tensor) {
  source.read(offset, tensor.raw_data(), tensor.nbytes());
  check_elements(source, offset, tensor);
}

void check_elements(const Source& source, uint64_t data_offset, const Tensor& tensor) {
  if (tensor.dtype() != kBool || tensor.numel() == 0) return;
  const auto* bytes = static_cast<const unsigned char*>(tensor.raw_data());
  const auto* end = bytes + tensor.nbytes();
  const auto* bad = std::find_if(bytes, end, [](unsigned char byte) { return byte > 1; });
  IOLAUS_CHECK_CODE(bad == end, ErrorCode::kCorrupt,
                    "[file] {}: expected 0 or 1 for a bool at byte {}, got {}", source.name(),
                    data_offset + static_cast<uint64_t>(bad - bytes), *bad);
}

void swap_elements(const Tensor& tensor) {
  auto* data = static_cast<char*>(tensor.raw_data());
  switch (item_size(tensor.dtype())) {
    case 2:
      return swap_all<2>(data, tensor.nbytes());
    case 4:
      return swap_all<4>(data, tensor.nbytes());
    case 8:
      return swap_all<8>(data, tensor.nbytes());
    default:
      return;
  }
}

Dims checked_dims(const char* format, const Source& source, const std::vector<uint64_t>& shape) {
  IOLAUS_CHECK_CODE(shape.size() <= kMaxRank, ErrorCode::kUnsupported,
                    "[{}] {}: {} dimensions are more than the {} supported", format, source.name(),
                    shape.size(), kMaxRank);
  Dims dims;
  int64_t product = 1;
  for (uint64_t size : shape) {
    // As checked_numel: zero sizes do not excuse the others from fitting together.
    const bool fits = size <= INT64_MAX &&
                      !__builtin_mul_overflow(
                          product, std::max<int64_t>(1, static_cast<int64_t>(size)), &product);
    IOLAUS_CHECK_CODE(fits, ErrorCode::kCorrupt, "[{}] {}: the shape's element count overflows",
                      format, source.name());
    dims.push_back(static_cast<int64_t>(size));
  }
  return dims;
}

uint64_t checked_nbytes(const char* format, const Source& source,
                        const std::vector<uint64_t>& shape, size_t bits_per_element) {
  const Dims dims = checked_dims(format, source, shape);
  const auto numel = static_cast<uint64_t>(checked_numel(dims));
  __extension__ using Wide = unsigned __int128;
  const Wide bits = Wide{numel} * bits_per_element;
  IOLAUS_CHECK_CODE(bits / 8 <= INT64_MAX, ErrorCode::kCorrupt,
                    "[{}] {}: the number of bytes of {} elements overflows", format, source.name(),
                    numel);
  IOLAUS_CHECK_CODE(bits % 8 == 0, ErrorCode::kCorrupt,
                    "[{}] {}: {} elements of {} bits are no number of bytes", format, source.name(),
                    numel, bits_per_element);
  return static_cast<uint64_t>(bits / 8);
}

}  // namespace iolaus::io
