// Loading of cuBLASLt, and its errors.
#include "kernels/matmul/cublaslt/library.h"

#include <map>
#include <mutex>

namespace iolaus::cublaslt {

Library::Library() {
  if (!library.is_open()) return;
  const auto load = [&]<class Fn>(Fn& fn, const char* name) { fn = library.get<Fn>(name); };
  load(create, "cublasLtCreate");
  load(matmul, "cublasLtMatmul");
  load(desc_create, "cublasLtMatmulDescCreate");
  load(desc_destroy, "cublasLtMatmulDescDestroy");
  load(desc_set, "cublasLtMatmulDescSetAttribute");
  load(layout_create, "cublasLtMatrixLayoutCreate");
  load(layout_destroy, "cublasLtMatrixLayoutDestroy");
  load(layout_set, "cublasLtMatrixLayoutSetAttribute");
  load(preference_create, "cublasLtMatmulPreferenceCreate");
  load(preference_destroy, "cublasLtMatmulPreferenceDestroy");
  load(preference_set, "cublasLtMatmulPreferenceSetAttribute");
  load(heuristic, "cublasLtMatmulAlgoGetHeuristic");
}

const Library& lt() {
  static auto* library = new Library;
  return *library;
}

std::string status_text(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED: the driver or the device could not be set up";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED: no memory for the library's own buffers";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE: an argument is not allowed, or arguments contradict "
             "each "
             "other";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH: this GPU lacks what was asked for";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "CUBLAS_STATUS_MAPPING_ERROR: memory could not be reached";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED: the launch failed";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR: the library itself failed";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED: no implementation for these types, layouts or alignment";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "CUBLAS_STATUS_LICENSE_ERROR";
  }
  return fmt::format("status {}", static_cast<int>(status));
}

void check(cublasStatus_t status, const char* call, const Matmul& p) {
  if (status == CUBLAS_STATUS_SUCCESS) [[likely]]
    return;
  fail(status == CUBLAS_STATUS_ALLOC_FAILED ? ErrorCode::kOutOfMemory : ErrorCode::kDevice,
       "[matmul] {} failed: {}; on {}", call, status_text(status), p.describe());
}

cublasLtHandle_t device_handle(const Matmul& p) {
  static std::mutex mutex;
  static auto* handles = new std::map<int, cublasLtHandle_t>;  // never destroyed, nor are they
  std::lock_guard lock(mutex);
  cublasLtHandle_t& handle = (*handles)[p.target.index];
  if (handle == nullptr) check(lt().create(&handle), "cublasLtCreate", p);
  return handle;
}

}  // namespace iolaus::cublaslt
