// Tensor: a handle on a strided view of a storage. Copying a Tensor shares the data; views share
// the storage. This header holds what a tensor is; geometry without gradients is in views.h, and
// everything that computes, with gradients, in autograd/ops.h.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/dims.h"
#include "core/dtype.h"
#include "core/intrusive_ptr.h"
#include "core/storage.h"

namespace iolaus {

class Tensor;
namespace autograd {
class Node;
}

enum class MemoryFormat : uint8_t { kContiguous, kChannelsLast };

/// What a new tensor is made of: empty({2, 3}, {.dtype = kFloat64, .device = device}).
struct TensorOptions {
  DType dtype = kFloat32;
  Device device = {};
  bool requires_grad = false;
  MemoryFormat memory_format = MemoryFormat::kContiguous;
  /// Page-locked, for copies to and from a CUDA device that the host does not wait for; CPU only.
  bool pinned = false;
};

/// What autograd keeps with a tensor; defined in autograd/.
struct AutogradMetaBase {
  virtual ~AutogradMetaBase() = default;
};

struct TensorImpl final : RefCounted<TensorImpl> {
  IntrusivePtr<Storage> storage;
  int64_t offset = 0;  // of the first element, in elements
  int64_t numel = 0;
  Dims sizes;
  Dims strides;  // in elements
  DType dtype = kFloat32;
  Device device;
  bool requires_grad = false;  // a leaf that collects a gradient, or computed from one
  std::unique_ptr<AutogradMetaBase> autograd;
};

class Tensor {
 public:
  /// An undefined tensor: no data, no shape.
  Tensor() = default;
  explicit Tensor(IntrusivePtr<TensorImpl> impl) : impl_(std::move(impl)) {}
  bool defined() const { return static_cast<bool>(impl_); }
  TensorImpl* impl() const { return impl_.get(); }
  /// Whether both are handles of the same tensor.
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }

  const Dims& sizes() const { return impl_->sizes; }
  const Dims& strides() const { return impl_->strides; }
  int64_t dim() const { return impl_->sizes.rank(); }
  /// Size and stride (in elements) of a dimension in [-dim, dim). Errors: kIndex.
  int64_t size(int64_t dim) const { return sizes()[wrap_dim("size", dim, this->dim())]; }
  int64_t stride(int64_t dim) const { return strides()[wrap_dim("stride", dim, this->dim())]; }
  int64_t numel() const { return impl_->numel; }
  int64_t offset() const { return impl_->offset; }
  size_t nbytes() const { return static_cast<size_t>(numel()) * item_size(dtype()); }
  DType dtype() const { return impl_->dtype; }
  Device device() const { return impl_->device; }
  TensorOptions options() const { return {.dtype = dtype(), .device = device()}; }
  const IntrusivePtr<Storage>& storage() const { return impl_->storage; }
  bool is_pinned() const { return impl_->storage->is_pinned(); }
  bool is_contiguous(MemoryFormat format = MemoryFormat::kContiguous) const;

  /// Address of the first element, on the tensor's device.
  void* raw_data() const {
    auto* base = static_cast<char*>(impl_->storage->data());
    return base + static_cast<size_t>(impl_->offset) * item_size(impl_->dtype);
  }
  /// The same, typed. Errors: kType where T is not the tensor's type.
  template <class T> T* data() const {
    IOLAUS_CHECK_CODE(dtype_of<T> == dtype(), ErrorCode::kType, "expected a {} tensor, got {}",
                      dtype_name(dtype_of<T>), dtype_name(dtype()));
    return static_cast<T*>(raw_data());
  }
  /// The value of a tensor of one element, converted; waits for the device.
  /// Errors: kInvalidArgument for another number of elements.
  template <class T = double> T item() const;
  /// All elements in row-major order, converted, on the host; waits for the device.
  template <class T> std::vector<T> to_vector() const;
  /// Makes this tensor, and every handle of it, show the data of another (PyTorch's `.data =`): a
  /// parameter moves to a device and stays the same parameter.
  void set_data(const Tensor& from) const;
  /// "float32[2, 3] on cpu", for messages.
  std::string describe() const;

  // Autograd (defined in autograd/tensor_autograd.cpp).
  bool requires_grad() const { return impl_->requires_grad; }
  /// Makes a leaf collect its gradient. Errors: kInvalidArgument for integers and for non-leaves.
  const Tensor& set_requires_grad(bool value = true) const;
  bool is_leaf() const;
  /// The gradient that backward() accumulated; undefined before.
  Tensor grad() const;
  void set_grad(const Tensor& grad) const;
  /// Keeps the gradient of a tensor that is not a leaf.
  void retain_grad() const;
  /// The node that computes this tensor's gradient; null for leaves.
  autograd::Node* grad_fn() const;
  /// The same data without history. Shares storage and version counter.
  Tensor detach() const;
  /// Gradients of this tensor with respect to all leaves, added to their grad(). gradient is that
  /// of this tensor, and 1 for a scalar. Errors: see autograd::backward.
  void backward(const Tensor& gradient = {}, bool retain_graph = false,
                bool create_graph = false) const;
  /// Called with this tensor's gradient during backward; a defined result replaces it.
  /// Returns a function that removes the hook.
  std::function<void()> register_hook(std::function<Tensor(const Tensor&)> hook) const;
  uint32_t version() const { return impl_->storage->version(); }
  void bump_version() const { impl_->storage->bump_version(); }

 private:
  IntrusivePtr<TensorImpl> impl_;
};

using Tensors = std::vector<Tensor>;

/// Uninitialised memory. Errors: kInvalidArgument for shapes that overflow, kOutOfMemory.
Tensor empty(const Dims& sizes, const TensorOptions& options = {});
Tensor empty_strided(const Dims& sizes, const Dims& strides, const TensorOptions& options = {});
/// Uninitialised, with the shape, dtype, device and dense layout of another tensor.
Tensor empty_like(const Tensor& like);
/// A view of memory that the caller keeps alive until deleter runs.
Tensor from_blob(void* data, const Dims& sizes, const TensorOptions& options = {},
                 std::function<void()> deleter = {});
/// A tensor on the CPU that copies values, row-major. Errors: kInvalidArgument where the number of
/// values is not that of the shape.
template <class T> Tensor from_values(std::span<const T> values, const Dims& sizes);
template <class T> Tensor from_values(const std::vector<T>& values, const Dims& sizes) {
  return from_values(std::span<const T>(values), sizes);
}
template <class T> Tensor from_values(std::initializer_list<T> values, const Dims& sizes) {
  return from_values(std::span<const T>(values.begin(), values.size()), sizes);
}
/// A new handle on given geometry over the same storage, without history (see views.h).
Tensor make_view(const Tensor& base, const Dims& sizes, const Dims& strides, int64_t offset);

/// As PyTorch prints tensors: "tensor([[1., 2.], [3., 4.]])", with dtype and device where they are
/// not the default, summarised beyond 1000 elements.
std::string to_string(const Tensor& tensor);

}  // namespace iolaus
