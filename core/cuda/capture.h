// Whether this thread captures a CUDA graph, and what must not happen then. Captures are
// thread-local: other threads (a data loader's) may wait, allocate and copy as ever.
#pragma once

#include <cuda_runtime_api.h>

namespace iolaus::cuda {

/// Whether this thread is in Graph::capture().
bool is_capturing();
/// Throws kUnsupported while this thread captures: "[item] cannot be captured in a CUDA graph:
/// WHY". op is named where no OpScope is on.
void check_not_capturing(const char* op, const char* why);
/// Whether a status says that a call broke a capture.
bool is_capture_error(cudaError_t status);

/// Marks the capture of this thread; made by Graph::capture() only.
class CaptureScope {
 public:
  CaptureScope();
  ~CaptureScope();
  CaptureScope(const CaptureScope&) = delete;
  CaptureScope& operator=(const CaptureScope&) = delete;
};

/// Lets this thread call what CUDA forbids while capturing, where it is known to be harmless:
/// cudaMalloc and cudaHostAlloc wait for nothing that is captured.
class AllowWhileCapturing {
 public:
  AllowWhileCapturing();
  ~AllowWhileCapturing();
  AllowWhileCapturing(const AllowWhileCapturing&) = delete;
  AllowWhileCapturing& operator=(const AllowWhileCapturing&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
  bool on_;
};

}  // namespace iolaus::cuda
