// A call of linear algebra on CUDA: this thread's handles for the device, on the current stream,
// the infos of a batch, and memory to work in, which the caching allocator gets back at its end.
#pragma once

#include "core/cuda/stream.h"
#include "kernels/linalg/cusolver/library.h"
#include "kernels/linalg/linalg.h"

namespace iolaus::cusolver {

/// A thread's handles for a device; never destroyed, since the driver may end before the thread.
struct Handles {
  cusolverDnHandle_t solver = nullptr;
  cusolverDnParams_t params = nullptr;
  cublasHandle_t blas = nullptr;
};

class Call {
 public:
  /// For the batch of a (B, ...). Errors: kUnsupported while this thread captures a CUDA graph.
  explicit Call(const Tensor& a);
  const Handles& handles() const { return handles_; }
  int64_t count() const { return infos_.sizes()[0]; }
  /// Where the info of a matrix goes, on the device.
  int* info(int64_t b) const { return infos_.data<int32_t>() + b; }
  /// Device memory until the end of the call.
  void* room(size_t nbytes);
  /// Addresses of the matrices of a batch, on the device.
  template <class T> T** addresses(const Tensor& t);
  /// Errors: kDevice (kOutOfMemory for ALLOC_FAILED) with the function and the status.
  void check(cusolverStatus_t status, const char* function) const;
  void check(cublasStatus_t status, const char* function) const;
  /// Waits for all infos. The only wait of a call.
  linalg::Infos infos() const;

 private:
  void* addresses_of(const Tensor& t);

  cuda::OnDevice stream_;
  Device device_;
  Handles handles_;
  Tensor infos_;   // (B) int32
  Tensors rooms_;  // freed in the order of the stream
};

template <class T> T** Call::addresses(const Tensor& t) {
  return static_cast<T**>(addresses_of(t));
}

}  // namespace iolaus::cusolver
