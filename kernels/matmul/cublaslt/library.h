// cuBLASLt, loaded when first needed: the functions that are used, its objects, its errors in
// words.
#pragma once

#include <cublasLt.h>

#include "core/cuda/handle.h"
#include "core/dynamic_library.h"
#include "kernels/matmul/matmul.h"

namespace iolaus::cublaslt {

struct Library {
  DynamicLibrary library{"libcublasLt.so.13", "libcublasLt.so.12"};
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy = nullptr;
  decltype(&cublasLtMatrixLayoutSetAttribute) layout_set = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;
  Library();
};
/// Loads it at the first call; library.is_open() tells whether it is there.
const Library& lt();

// Functions with names: a lambda in a header would be another type in every file.
inline void destroy(cublasLtMatmulDesc_t desc) { lt().desc_destroy(desc); }
inline void destroy(cublasLtMatrixLayout_t layout) { lt().layout_destroy(layout); }
inline void destroy(cublasLtMatmulPreference_t preference) { lt().preference_destroy(preference); }
template <class T> using Owned = cuda::Handle<T, static_cast<void (*)(T)>(destroy)>;
using Desc = Owned<cublasLtMatmulDesc_t>;
using Layout = Owned<cublasLtMatrixLayout_t>;
using Preference = Owned<cublasLtMatmulPreference_t>;

/// "CUBLAS_STATUS_INVALID_VALUE: an argument is not allowed".
std::string status_text(cublasStatus_t status);
/// Errors: kDevice (kOutOfMemory for ALLOC_FAILED) with the call, the status and the product.
void check(cublasStatus_t status, const char* call, const Matmul& p);
/// The handle of a device, which threads share; never destroyed.
cublasLtHandle_t device_handle(const Matmul& p);

}  // namespace iolaus::cublaslt
