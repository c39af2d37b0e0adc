// Parameters and statistics of the normalisation kernels: vectors whose dtype is x's or that of the
// statistics, so it is known only at run time.
#pragma once

#include "core/tensor.h"
#include "kernels/gpu.h"

namespace iolaus::gpu {

/// A vector of T or of MathType<T>, perhaps not there.
template <class T> struct Parameter {
  using A = MathType<T>;
  const void* data = nullptr;
  bool wide = false;  // MathType<T>

  __device__ A get(int64_t i, A otherwise) const {
    if (data == nullptr) return otherwise;
    return wide ? static_cast<const A*>(data)[i] : static_cast<A>(static_cast<const T*>(data)[i]);
  }
};
template <class T> struct ParameterOut {
  using A = MathType<T>;
  void* data = nullptr;
  bool wide = false;

  __device__ A get(int64_t i) const {
    return wide ? static_cast<const A*>(data)[i] : static_cast<A>(static_cast<const T*>(data)[i]);
  }
  __device__ void set(int64_t i, A value) const {
    if (data == nullptr) return;
    if (wide) {
      static_cast<A*>(data)[i] = value;
    } else {
      static_cast<T*>(data)[i] = static_cast<T>(value);
    }
  }
};

template <class T> Parameter<T> parameter(const Tensor& t) {
  if (!t.defined()) return {};
  return {t.raw_data(), t.dtype() != dtype_of<T>};
}
template <class T> ParameterOut<T> parameter_out(const Tensor& t) {
  if (!t.defined()) return {};
  return {t.raw_data(), t.dtype() != dtype_of<T>};
}

}  // namespace iolaus::gpu
