// Checked calls of the CUDA runtime: IOLAUS_CUDA_CHECK("copy", cudaMemcpyAsync(...)) throws an
// Error that names the operation, the call and CUDA's own words. Asynchronous failures surface at
// a later call; the message says so.
#pragma once

#include <cuda_runtime_api.h>

namespace iolaus::cuda {

/// "[copy] cudaMemcpyAsync failed: invalid argument (cudaErrorInvalidValue)", with the kernel set
/// that called it, if any. An asynchronous error goes to fail_device (core/device_failure.h), with
/// this thread's last launches. Errors: kDevice; kOutOfMemory for cudaErrorMemoryAllocation.
[[noreturn]] void throw_cuda_error(cudaError_t status, const char* op, const char* call);

/// Whether a status reports a kernel that ran earlier, not the call that returned it.
bool is_asynchronous_error(cudaError_t status);

}  // namespace iolaus::cuda

#define IOLAUS_CUDA_CHECK(op, call)                                    \
  do {                                                                 \
    const cudaError_t iolaus_cuda_status = (call);                     \
    if (iolaus_cuda_status != cudaSuccess) [[unlikely]]                \
      ::iolaus::cuda::throw_cuda_error(iolaus_cuda_status, op, #call); \
  } while (0)
