// Handle: the one RAII template for everything that a CUDA library creates and destroys. It owns
// one value, moves, and never throws at its end.
#pragma once

#include <utility>

namespace iolaus::cuda {

/// T is the library's handle type (a pointer); destroy is a function pointer or a lambda without
/// captures. Its result is ignored: at a program's end the driver may be gone already.
template <class T, auto destroy> class Handle {
 public:
  Handle() = default;
  explicit Handle(T value) : value_(value) {}
  Handle(Handle&& other) noexcept : value_(std::exchange(other.value_, T{})) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Handle() {
    if (value_ != T{}) static_cast<void>(destroy(value_));
  }
  T get() const { return value_; }
  explicit operator bool() const { return value_ != T{}; }
  /// For creation functions that write through a pointer; only on an empty handle.
  T* out() { return &value_; }

 private:
  T value_{};
};

}  // namespace iolaus::cuda
