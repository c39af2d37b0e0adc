// What follows each kernel launch: the check, with a message that names the kernel set, the kernel
// and its grid; and a note of the last launches, from which an error that shows later (they all do:
// launches are asynchronous) can name who may be at fault.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

namespace iolaus::cuda {

/// Throws kDevice where the launch just made was refused. With IOLAUS_LAUNCH_BLOCKING=1 in the
/// environment it also waits, so that a fault inside of the kernel is reported at its own launch,
/// with the arguments' shapes. Throws kIndex where an earlier kernel met an index out of range
/// (device_error.h).
void check_launch(const void* kernel, dim3 grid, dim3 block, size_t shared_bytes,
                  cudaStream_t stream);
/// The same after a library queued its own kernels: call is "cublasLtMatmul".
void check_library_call(const char* call, cudaStream_t stream);
/// Lets a kernel use more than 48 KiB of dynamic shared memory.
void allow_shared_bytes(const void* kernel, size_t shared_bytes);

/// The last launches of this thread, the latest first, one line each; "" where there were none.
std::string recent_launches();

}  // namespace iolaus::cuda
