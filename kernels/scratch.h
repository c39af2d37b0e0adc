// Scratch: temporary memory of a CPU kernel, from the caching allocator of the calling thread.
#pragma once

#include <algorithm>

#include "core/device.h"

namespace iolaus {

template <class T> class Scratch {
 public:
  /// count elements, not initialised, 64-byte aligned. Errors: kOutOfMemory.
  explicit Scratch(int64_t count)
      : nbytes_(static_cast<size_t>(std::max<int64_t>(count, 1)) * sizeof(T)),
        data_(static_cast<T*>(backend(kCPU).allocate(Device(), nbytes_))) {}
  ~Scratch() { backend(kCPU).free(Device(), data_, nbytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  size_t nbytes_;
  T* data_;
};

}  // namespace iolaus
