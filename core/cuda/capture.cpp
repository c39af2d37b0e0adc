// The state of this thread's capture.
#include "core/cuda/capture.h"

#include "core/call_context.h"
#include "core/cuda/check.h"
#include "core/error.h"

namespace iolaus::cuda {
namespace {
thread_local bool t_capturing = false;
}

bool is_capturing() { return t_capturing; }

void check_not_capturing(const char* op, const char* why) {
  if (!t_capturing) [[likely]]
    return;
  fail(ErrorCode::kUnsupported, "[{}] cannot be captured in a CUDA graph: {}",
       CallContext::current_name(op), why);
}

bool is_capture_error(cudaError_t status) {
  return status >= cudaErrorStreamCaptureUnsupported && status <= cudaErrorStreamCaptureWrongThread;
}

CaptureScope::CaptureScope() {
  check_not_capturing("graph", "another graph is being captured");
  t_capturing = true;
}
CaptureScope::~CaptureScope() { t_capturing = false; }

AllowWhileCapturing::AllowWhileCapturing() : on_(t_capturing) {
  if (on_) IOLAUS_CUDA_CHECK("graph", cudaThreadExchangeStreamCaptureMode(&mode_));
}
AllowWhileCapturing::~AllowWhileCapturing() {
  if (on_) static_cast<void>(cudaThreadExchangeStreamCaptureMode(&mode_));
}

}  // namespace iolaus::cuda
