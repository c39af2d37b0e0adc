// Tensors from memory: allocation, foreign blobs, values, and reading elements back to the host.
#include "core/tensor.h"

#include <cstring>
#include <type_traits>

#include "core/call_context.h"

namespace iolaus {
namespace {

bool strides_match(const Dims& sizes, const Dims& strides, const Dims& dense) {
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] != 1 && strides[i] != dense[i]) return false;
  }
  return true;
}

IntrusivePtr<TensorImpl> new_impl(IntrusivePtr<Storage> storage, const Dims& sizes,
                                  const Dims& strides, int64_t numel, DType dtype) {
  auto impl = make_intrusive<TensorImpl>();
  impl->device = storage->device();
  impl->storage = std::move(storage);
  impl->sizes = sizes;
  impl->strides = strides;
  impl->numel = numel;
  impl->dtype = dtype;
  return impl;
}

size_t checked_nbytes(int64_t elements, DType dtype, const Dims& sizes) {
  int64_t nbytes = 0;
  IOLAUS_CHECK(!__builtin_mul_overflow(elements, static_cast<int64_t>(item_size(dtype)), &nbytes),
               "the number of bytes of shape {} overflows int64", sizes.str());
  return static_cast<size_t>(nbytes);
}

IntrusivePtr<Storage> new_storage(const TensorOptions& options, size_t nbytes) {
  if (!options.pinned) return make_intrusive<Storage>(options.device, nbytes);
  IOLAUS_CHECK(options.device.is_cpu(), "[pinned] only the host's memory is pinned, got {}",
               options.device.str());
  return make_intrusive<Storage>(Storage::Pinned{}, nbytes);
}

void mark_requires_grad(const Tensor& out, const TensorOptions& options) {
  IOLAUS_CHECK(!options.requires_grad || is_floating(options.dtype),
               "only floating tensors can require gradients, got {}", dtype_name(options.dtype));
  out.impl()->requires_grad = options.requires_grad;
}

// Number of elements from the first to the last that the geometry reaches, both included.
int64_t extent(const Dims& sizes, const Dims& strides) {
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    int64_t reach = 0;
    IOLAUS_CHECK(strides[i] >= 0, "strides must not be negative, got {}", strides.str());
    IOLAUS_CHECK(!__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) &&
                     !__builtin_add_overflow(last, reach, &last),
                 "the extent of shape {} with strides {} overflows int64", sizes.str(),
                 strides.str());
  }
  return last + 1;
}

// Calls fn(index of element in memory) in row-major order.
template <class Fn> void for_each_element(const Tensor& t, Fn&& fn) {
  Dims index = Dims::filled(t.sizes().size(), 0);
  int64_t position = 0;
  for (int64_t i = 0; i < t.numel(); ++i) {
    fn(position);
    for (int d = t.sizes().rank() - 1; d >= 0; --d) {
      position += t.strides()[d];
      if (++index[d] < t.sizes()[d]) break;
      position -= t.strides()[d] * t.sizes()[d];
      index[d] = 0;
    }
  }
}

// The bytes that a tensor reaches, on the host; owned where they had to be copied.
struct HostBytes {
  std::vector<char> copy;
  const char* data;
};
HostBytes host_bytes(const Tensor& t) {
  if (t.device().is_cpu()) return {{}, static_cast<const char*>(t.raw_data())};
  HostBytes host;
  host.copy.resize(static_cast<size_t>(extent(t.sizes(), t.strides())) * item_size(t.dtype()));
  copy_bytes(host.copy.data(), Device(), t.raw_data(), t.device(), host.copy.size());
  host.data = host.copy.data();
  return host;
}

template <class To, class From> To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return static_cast<MathType<From>>(value) != MathType<From>(0);
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(value));
  } else {
    return static_cast<To>(static_cast<MathType<From>>(value));
  }
}

}  // namespace

bool Tensor::is_contiguous(MemoryFormat format) const {
  if (numel() == 0) return true;
  if (format == MemoryFormat::kContiguous) {
    int64_t step = 1;
    for (int i = sizes().rank() - 1; i >= 0; --i) {
      if (sizes()[i] != 1 && strides()[i] != step) return false;
      step *= sizes()[i];
    }
    return true;
  }
  return (dim() == 4 || dim() == 5) &&
         strides_match(sizes(), strides(), channels_last_strides(sizes()));
}

void Tensor::set_data(const Tensor& from) const {
  impl_->storage = from.impl_->storage;
  impl_->offset = from.impl_->offset;
  impl_->numel = from.impl_->numel;
  impl_->sizes = from.impl_->sizes;
  impl_->strides = from.impl_->strides;
  impl_->dtype = from.impl_->dtype;
  impl_->device = from.impl_->device;
}

std::string Tensor::describe() const {
  if (!defined()) return "undefined tensor";
  return fmt::format("{}{} on {}", dtype_name(dtype()), sizes().str(), device().str());
}

template <class T> std::vector<T> Tensor::to_vector() const {
  IOLAUS_CHECK(defined(), "[to_vector] the tensor is undefined");
  const OpScope scope("to_vector");
  std::vector<T> values;
  values.reserve(static_cast<size_t>(numel()));
  const HostBytes host = host_bytes(*this);
  visit_dtype(AllTypes{}, "to_vector", dtype(), [&]<class From>() {
    const auto* data = reinterpret_cast<const From*>(host.data);
    for_each_element(*this, [&](int64_t i) { values.push_back(convert<T>(data[i])); });
  });
  return values;
}

template <class T> T Tensor::item() const {
  IOLAUS_CHECK(defined() && numel() == 1, "[item] expected a tensor of one element, got {}",
               describe());
  const OpScope scope("item");
  T result{};
  char bytes[8];
  copy_bytes(bytes, Device(), raw_data(), device(), item_size(dtype()));
  visit_dtype(AllTypes{}, "item", dtype(), [&]<class From>() {
    From value;
    std::memcpy(&value, bytes, sizeof value);
    result = convert<T>(value);
  });
  return result;
}

Tensor empty(const Dims& sizes, const TensorOptions& options) {
  const int64_t numel = checked_numel(sizes);
  const bool channels_last = options.memory_format == MemoryFormat::kChannelsLast;
  auto storage = new_storage(options, checked_nbytes(numel, options.dtype, sizes));
  Tensor out(new_impl(std::move(storage), sizes,
                      channels_last ? channels_last_strides(sizes) : contiguous_strides(sizes),
                      numel, options.dtype));
  mark_requires_grad(out, options);
  return out;
}

Tensor empty_strided(const Dims& sizes, const Dims& strides, const TensorOptions& options) {
  IOLAUS_CHECK(sizes.size() == strides.size(), "[empty_strided] {} sizes but {} strides",
               sizes.size(), strides.size());
  const int64_t numel = checked_numel(sizes);
  auto storage = new_storage(options, checked_nbytes(extent(sizes, strides), options.dtype, sizes));
  Tensor out(new_impl(std::move(storage), sizes, strides, numel, options.dtype));
  mark_requires_grad(out, options);
  return out;
}

Tensor empty_like(const Tensor& like) {
  // Keeps a dense layout (channels-last, transposed); anything with gaps or overlap becomes
  // row-major, as in PyTorch.
  if (like.is_contiguous()) return empty(like.sizes(), like.options());
  const int rank = like.sizes().rank();
  int order[kMaxRank];
  for (int i = 0; i < rank; ++i) order[i] = i;
  std::stable_sort(order, order + rank,
                   [&](int a, int b) { return like.strides()[a] > like.strides()[b]; });
  int64_t step = 1;
  for (int i = rank - 1; i >= 0; --i) {
    const int64_t size = like.sizes()[order[i]];
    if (size != 1 && like.strides()[order[i]] != step) return empty(like.sizes(), like.options());
    step *= size;
  }
  return empty_strided(like.sizes(), like.strides(), like.options());
}

Tensor from_blob(void* data, const Dims& sizes, const TensorOptions& options,
                 std::function<void()> deleter) {
  const int64_t numel = checked_numel(sizes);
  auto storage = make_intrusive<Storage>(
      options.device, data, checked_nbytes(numel, options.dtype, sizes), std::move(deleter));
  return Tensor(
      new_impl(std::move(storage), sizes, contiguous_strides(sizes), numel, options.dtype));
}

template <class T> Tensor from_values(std::span<const T> values, const Dims& sizes) {
  Tensor out = empty(sizes, {.dtype = dtype_of<T>});
  IOLAUS_CHECK(static_cast<int64_t>(values.size()) == out.numel(),
               "[from_values] shape {} needs {} values, got {}", sizes.str(), out.numel(),
               values.size());
  if (!values.empty()) std::memcpy(out.raw_data(), values.data(), out.nbytes());
  return out;
}

Tensor make_view(const Tensor& base, const Dims& sizes, const Dims& strides, int64_t offset) {
  int64_t numel = 1;
  for (int64_t size : sizes) numel *= size;
  auto impl = new_impl(base.storage(), sizes, strides, numel, base.dtype());
  impl->offset = offset;
  return Tensor(std::move(impl));
}

#define IOLAUS_INSTANTIATE(T)                           \
  template T Tensor::item<T>() const;                   \
  template std::vector<T> Tensor::to_vector<T>() const; \
  template Tensor from_values<T>(std::span<const T>, const Dims&)
IOLAUS_INSTANTIATE(double);
IOLAUS_INSTANTIATE(float);
IOLAUS_INSTANTIATE(int64_t);
IOLAUS_INSTANTIATE(int32_t);
IOLAUS_INSTANTIATE(int16_t);
IOLAUS_INSTANTIATE(int8_t);
IOLAUS_INSTANTIATE(uint8_t);
IOLAUS_INSTANTIATE(Half);
IOLAUS_INSTANTIATE(BFloat16);
template bool Tensor::item<bool>() const;
template std::vector<bool> Tensor::to_vector<bool>() const;
template Tensor from_values<bool>(std::span<const bool>, const Dims&);

}  // namespace iolaus
