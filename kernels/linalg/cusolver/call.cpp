// Handles, memory and infos of calls.
#include "kernels/linalg/cusolver/call.h"

#include <algorithm>
#include <map>

#include "core/call_context.h"
#include "core/cuda/capture.h"
#include "core/cuda/launch.h"
#include "kernels/copy/copy.h"
#include "kernels/matmul/cublaslt/library.h"

namespace iolaus::cusolver {
namespace {

[[noreturn]] void fail_call(bool no_memory, const char* function, const std::string& text) {
  fail(no_memory ? ErrorCode::kOutOfMemory : ErrorCode::kDevice, "[{}] {} failed: {}",
       CallContext::current_name("linalg"), function, text);
}

}  // namespace

Call::Call(const Tensor& a) : stream_(a.device()), device_(a.device()) {
  cuda::check_not_capturing("linalg",
                            "it waits for the device, to know what its matrices are like");
  thread_local std::map<int, Handles> all;
  Handles& own = all[device_.index];
  if (own.solver == nullptr) check(library().create(&own.solver), "cusolverDnCreate");
  if (own.params == nullptr) check(library().create_params(&own.params), "cusolverDnCreateParams");
  if (own.blas == nullptr) check(library().blas_create(&own.blas), "cublasCreate");
  check(library().set_stream(own.solver, stream_), "cusolverDnSetStream");
  check(library().blas_set_stream(own.blas, stream_), "cublasSetStream");
  handles_ = own;
  infos_ = empty({a.sizes()[0]}, {.dtype = kInt32, .device = device_});
}

void* Call::room(size_t nbytes) {
  const auto size = static_cast<int64_t>(std::max<size_t>(nbytes, 1));
  return rooms_.emplace_back(empty({size}, {.dtype = kUInt8, .device = device_})).raw_data();
}

void* Call::addresses_of(const Tensor& t) {
  std::vector<int64_t> values;
  const size_t step = t.nbytes() / static_cast<size_t>(count());
  for (int64_t b = 0; b < count(); ++b) {
    const char* matrix = static_cast<char*>(t.raw_data()) + static_cast<size_t>(b) * step;
    values.push_back(static_cast<int64_t>(reinterpret_cast<uintptr_t>(matrix)));
  }
  return rooms_.emplace_back(convert(from_values(values, {count()}), kInt64, device_)).raw_data();
}

void Call::check(cusolverStatus_t status, const char* function) const {
  if (status != CUSOLVER_STATUS_SUCCESS) {
    fail_call(status == CUSOLVER_STATUS_ALLOC_FAILED, function, status_text(status));
  }
  cuda::check_library_call(function, stream_);
}

void Call::check(cublasStatus_t status, const char* function) const {
  if (status != CUBLAS_STATUS_SUCCESS) {
    fail_call(status == CUBLAS_STATUS_ALLOC_FAILED, function, cublaslt::status_text(status));
  }
  cuda::check_library_call(function, stream_);
}

linalg::Infos Call::infos() const { return infos_.to_vector<int>(); }

}  // namespace iolaus::cusolver
