// The message of a failed CUDA call.
#include "core/cuda/check.h"

#include <string_view>

#include "core/call_context.h"
#include "core/cuda/capture.h"
#include "core/cuda/launch.h"
#include "core/device_failure.h"
#include "core/error.h"

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
         CallContext::current_name(op), text.substr(0, text.find('(')), cudaGetErrorString(status),
         cudaGetErrorName(status));
  }
  std::string message = fmt::format("[{}] {} failed: {} ({})", op, text.substr(0, text.find('(')),
                                    cudaGetErrorString(status), cudaGetErrorName(status));
  if (const CallContext* context = CallContext::current()) message += "; in " + context->str();
  if (is_asynchronous_error(status)) {
    const std::string launches = recent_launches();
    message +=
        "; a kernel that ran earlier is at fault: run again with IOLAUS_LAUNCH_BLOCKING=1 "
        "to see which";
    if (!launches.empty()) message += ". The last launches, latest first:" + launches;
    fail_device(message);
  }
  throw Error(status == cudaErrorMemoryAllocation ? ErrorCode::kOutOfMemory : ErrorCode::kDevice,
              message);
}

}  // namespace iolaus::cuda
