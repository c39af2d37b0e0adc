// Scalar: one number of run-time kind (bool, integer or floating), as PyTorch's Scalar. In type
// promotion it counts by its kind only: adding 2 to an int8 tensor stays int8.
#pragma once

#include <concepts>
#include <cstdint>

#include "core/dtype.h"

namespace iolaus {

class Scalar {
 public:
  Scalar(bool value) : dtype_(kBool), integer_(value) {}
  template <std::integral T>
  Scalar(T value) : dtype_(kInt64), integer_(static_cast<int64_t>(value)) {}
  template <std::floating_point T> Scalar(T value) : dtype_(kFloat64), real_(value) {}

  /// kBool, kInt64 or kFloat64.
  DType dtype() const { return dtype_; }
  bool is_floating() const { return dtype_ == kFloat64; }
  template <class T> T to() const {
    return dtype_ == kFloat64 ? static_cast<T>(real_) : static_cast<T>(integer_);
  }

 private:
  DType dtype_;
  union {
    int64_t integer_;
    double real_;
  };
};
template <> inline bool Scalar::to<bool>() const {
  return dtype_ == kFloat64 ? real_ != 0 : integer_ != 0;
}

}  // namespace iolaus
