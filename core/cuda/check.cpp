// The message of a failed CUDA call.
#include "core/cuda/check.h"

#include <string_view>

#include "core/cuda/capture.h"
#include "core/error.h"
#include "core/op_scope.h"

namespace iolaus::cuda {

bool is_asynchronous_error(cudaError_t status) {
  return status == cudaErrorIllegalAddress || status == cudaErrorLaunchFailure ||
         status == cudaErrorAssert || status == cudaErrorMisalignedAddress ||
         status == cudaErrorIllegalInstruction || status == cudaErrorInvalidAddressSpace ||
         status == cudaErrorInvalidPc || status == cudaErrorHardwareStackError ||
         status == cudaErrorLaunchTimeout || status == cudaErrorECCUncorrectable;
}

void throw_cuda_error(cudaError_t status, const char* op, const char* call) {
  cudaGetLastError();  // clears what is not sticky, so that later calls do not report it again
  const std::string_view text = call;
  if (is_capture_error(status)) {
    fail(ErrorCode::kUnsupported, "[{}] cannot be captured in a CUDA graph: {}: {} ({})",
         OpScope::current_or(op), text.substr(0, text.find('(')), cudaGetErrorString(status),
         cudaGetErrorName(status));
  }
  const ErrorCode code =
      status == cudaErrorMemoryAllocation ? ErrorCode::kOutOfMemory : ErrorCode::kDevice;
  fail(code, "[{}] {} failed: {} ({}){}", op, text.substr(0, text.find('(')),
       cudaGetErrorString(status), cudaGetErrorName(status),
       is_asynchronous_error(status) ? "; a kernel that ran earlier is at fault: run again with "
                                       "IOLAUS_LAUNCH_BLOCKING=1 to see which"
                                     : "");
}

}  // namespace iolaus::cuda
