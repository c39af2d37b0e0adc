// Storage: a reference-counted block of device memory that tensors view, with the version counter
// that every in-place change raises (autograd compares it with the version it saved).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/device.h"
#include "core/intrusive_ptr.h"

namespace iolaus {

class Storage : public RefCounted<Storage> {
 public:
  /// Uninitialised memory from the device's allocator. Errors: kOutOfMemory.
  Storage(Device device, size_t nbytes)
      : data_(nbytes == 0 ? nullptr : backend(device.type).allocate(device, nbytes)),
        nbytes_(nbytes),
        device_(device) {}
  /// Page-locked memory of the host (device is the CPU). Errors: kDevice where CUDA is not there,
  /// kOutOfMemory.
  struct Pinned {};
  Storage(Pinned, size_t nbytes)
      : data_(nbytes == 0 ? nullptr : backend(kCUDA).allocate_pinned(nbytes)),
        nbytes_(nbytes),
        pinned_(true) {}
  /// Memory of somebody else's (a mapped file, another library); deleter runs at the end.
  Storage(Device device, void* data, size_t nbytes, std::function<void()> deleter)
      : data_(data),
        nbytes_(nbytes),
        device_(device),
        foreign_(true),
        deleter_(std::move(deleter)) {}
  ~Storage() {
    if (foreign_) {
      if (deleter_) deleter_();
    } else if (pinned_) {
      if (data_ != nullptr) backend(kCUDA).free_pinned(data_);
    } else if (data_ != nullptr) {
      backend(device_.type).free(device_, data_, nbytes_);
    }
  }

  void* data() const { return data_; }
  size_t nbytes() const { return nbytes_; }
  Device device() const { return device_; }
  bool is_pinned() const { return pinned_; }
  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void* data_;
  size_t nbytes_;
  Device device_;
  bool foreign_ = false, pinned_ = false;
  std::atomic<uint32_t> version_{0};
  std::function<void()> deleter_;
};

}  // namespace iolaus
