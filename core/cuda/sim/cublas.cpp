// The batched LU factorisation of cuBLAS on the simulated device; see cusolver.cpp.
#include <cublas_v2.h>

#include <algorithm>
#include <map>
#include <string>

#include "core/cuda/sim/operands.h"
#include "core/cuda/sim/stream.h"
#include "core/dynamic_library.h"
#include "core/lapack_library.h"

using namespace iolaus;
using sim::matrix_bytes;

struct cublasContext {
  cudaStream_t stream = nullptr;
};

namespace {

constexpr auto kOk = CUBLAS_STATUS_SUCCESS;
constexpr auto kInvalid = CUBLAS_STATUS_INVALID_VALUE;

template <class Fn> cublasStatus_t queue(cublasHandle_t handle, const Fn& fn) {
  return sim::enqueue(handle->stream, fn) == cudaSuccess ? kOk : CUBLAS_STATUS_EXECUTION_FAILED;
}

template <class T>
cublasStatus_t getrf_batched(cublasHandle_t handle, int n, T* const arrays[], int lda, int* pivots,
                             int* infos, int count) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (n < 0 || lda < std::max(n, 1) || count < 0 || !arrays || !infos) return kInvalid;
  if (pivots == nullptr) return CUBLAS_STATUS_NOT_SUPPORTED;  // factors without swaps
  const auto batch = static_cast<size_t>(count), size = static_cast<size_t>(n);
  return queue(handle, [=] {
    const sim::Operand operands[] = {{"A", arrays, batch * sizeof *arrays},
                                     {"P", pivots, batch * size * sizeof *pivots},
                                     {"info", infos, batch * sizeof *infos}};
    if (!sim::check_operands("cublas<t>getrfBatched", operands)) return false;
    for (size_t b = 0; b < batch; ++b) {
      const sim::Operand matrix[] = {{"a matrix", arrays[b], matrix_bytes<T>(n, n, lda)}};
      if (!sim::check_operands("cublas<t>getrfBatched", matrix)) return false;
      lapack::call<T>("getrf", &n, &n, arrays[b], &lda, pivots + b * size, infos + b);
    }
    return true;
  });
}

// info is on the host, and about the arguments only.
template <class T>
cublasStatus_t getrs_batched(cublasHandle_t handle, cublasOperation_t trans, int n, int nrhs,
                             const T* const arrays[], int lda, const int* pivots,
                             T* const right_arrays[], int ldb, int* info, int count) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (info == nullptr || sim::in_device_range(info)) return kInvalid;
  *info = n < 0 ? -2 : nrhs < 0 ? -3 : lda < std::max(n, 1) ? -5 : ldb < std::max(n, 1) ? -8 : 0;
  if (*info != 0 || count < 0 || !arrays || !right_arrays) return kInvalid;
  if (trans != CUBLAS_OP_N || pivots == nullptr) return CUBLAS_STATUS_NOT_SUPPORTED;
  const auto batch = static_cast<size_t>(count), size = static_cast<size_t>(n);
  return queue(handle, [=] {
    const sim::Operand operands[] = {{"Aarray", arrays, batch * sizeof *arrays},
                                     {"devIpiv", pivots, batch * size * sizeof *pivots},
                                     {"Barray", right_arrays, batch * sizeof *right_arrays}};
    if (!sim::check_operands("cublas<t>getrsBatched", operands)) return false;
    const char plain = 'N';
    for (size_t b = 0; b < batch; ++b) {
      const sim::Operand matrices[] = {
          {"a matrix", arrays[b], matrix_bytes<T>(n, n, lda)},
          {"a right side", right_arrays[b], matrix_bytes<T>(n, nrhs, ldb)}};
      if (!sim::check_operands("cublas<t>getrsBatched", matrices)) return false;
      int unused = 0;
      lapack::call<T>("getrs", &plain, &n, &nrhs, arrays[b], &lda, pivots + b * size,
                      right_arrays[b], &ldb, &unused, size_t{1});
    }
    return true;
  });
}

}  // namespace

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  if (handle == nullptr) return kInvalid;
  if (!lapack::problem().empty()) return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasContext;
  return kOk;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return kOk;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  handle->stream = stream;
  return kOk;
}
cublasStatus_t cublasSgetrfBatched(cublasHandle_t h, int n, float* const a[], int lda, int* pivots,
                                   int* infos, int count) {
  return getrf_batched(h, n, a, lda, pivots, infos, count);
}
cublasStatus_t cublasDgetrfBatched(cublasHandle_t h, int n, double* const a[], int lda, int* pivots,
                                   int* infos, int count) {
  return getrf_batched(h, n, a, lda, pivots, infos, count);
}
cublasStatus_t cublasSgetrsBatched(cublasHandle_t h, cublasOperation_t trans, int n, int nrhs,
                                   const float* const a[], int lda, const int* pivots,
                                   float* const b[], int ldb, int* info, int count) {
  return getrs_batched(h, trans, n, nrhs, a, lda, pivots, b, ldb, info, count);
}
cublasStatus_t cublasDgetrsBatched(cublasHandle_t h, cublasOperation_t trans, int n, int nrhs,
                                   const double* const a[], int lda, const int* pivots,
                                   double* const b[], int ldb, int* info, int count) {
  return getrs_batched(h, trans, n, nrhs, a, lda, pivots, b, ldb, info, count);
}

namespace {

void* find(const char* symbol) {
  static const std::map<std::string, void*> symbols{
      {"cublasCreate_v2", reinterpret_cast<void*>(cublasCreate_v2)},
      {"cublasDestroy_v2", reinterpret_cast<void*>(cublasDestroy_v2)},
      {"cublasSetStream_v2", reinterpret_cast<void*>(cublasSetStream_v2)},
      {"cublasSgetrfBatched", reinterpret_cast<void*>(cublasSgetrfBatched)},
      {"cublasDgetrfBatched", reinterpret_cast<void*>(cublasDgetrfBatched)},
      {"cublasSgetrsBatched", reinterpret_cast<void*>(cublasSgetrsBatched)},
      {"cublasDgetrsBatched", reinterpret_cast<void*>(cublasDgetrsBatched)}};
  const auto found = symbols.find(symbol);
  return found == symbols.end() ? nullptr : found->second;
}

const bool kProvided = [] {
  provide_library("libcublas.so", find, "");
  return true;
}();

}  // namespace
