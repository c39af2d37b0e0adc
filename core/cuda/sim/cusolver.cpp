// The cuSOLVER calls that Iolaus makes, on the simulated device: the same symbols, argument checks
// and order on streams; LAPACK computes. So leading dimensions, workspaces, the state that lies on
// the device, and matrices that the library destroys are tested where no GPU is. What Iolaus does
// not use is NOT_SUPPORTED.
#include <cusolverDn.h>

#include <algorithm>
#include <map>
#include <string>

#include "core/cuda/sim/operands.h"
#include "core/cuda/sim/stream.h"
#include "core/dynamic_library.h"
#include "core/lapack_library.h"

using namespace iolaus;
using sim::matrix_bytes;

struct cusolverDnContext {
  cudaStream_t stream = nullptr;
};
struct cusolverDnParams {};

namespace {

constexpr auto kOk = CUSOLVER_STATUS_SUCCESS;
constexpr auto kInvalid = CUSOLVER_STATUS_INVALID_VALUE;
constexpr auto kNotSupported = CUSOLVER_STATUS_NOT_SUPPORTED;
constexpr size_t kHostBytes = 64;  // that functions of 64 bits ask for

// Elements of workspace that a matrix asks for.
int room_for(int64_t rows, int64_t columns) { return static_cast<int>(32 + rows + 2 * columns); }

bool is_fill_mode(cublasFillMode_t uplo) {
  return uplo == CUBLAS_FILL_MODE_LOWER || uplo == CUBLAS_FILL_MODE_UPPER;
}
bool is_matrix(int64_t rows, int64_t columns, int64_t leading) {
  return rows >= 0 && columns >= 0 && leading >= std::max<int64_t>(rows, 1);
}
char letter(cublasFillMode_t uplo) { return uplo == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U'; }

// Calls fn.operator()<T>() for a dtype; all types of a call must be the same.
template <class Fn>
cusolverStatus_t for_type(std::initializer_list<cudaDataType> types, const Fn& fn) {
  for (const cudaDataType type : types) {
    if (type != *types.begin()) return kInvalid;
  }
  if (*types.begin() == CUDA_R_32F) return fn.template operator()<float>();
  if (*types.begin() == CUDA_R_64F) return fn.template operator()<double>();
  return kNotSupported;
}

// Calls LAPACK by run(work, room) with the room that it asks for.
template <class T, class Run> void with_room(const Run& run) {
  T wanted = 0;
  run(&wanted, -1);
  std::vector<T> work(static_cast<size_t>(wanted) + 1);
  run(work.data(), static_cast<int>(work.size()));
}

// Queues compute(info) behind the checks of its operands; its info and workspace are on the device.
template <class Fn>
cusolverStatus_t queue(cusolverDnHandle_t handle, const char* function,
                       std::vector<sim::Operand> operands, void* work, size_t work_bytes, int* info,
                       const Fn& compute) {
  if (info == nullptr) return kInvalid;
  operands.push_back({"the workspace", work, work_bytes});
  operands.push_back({"info", info, sizeof *info});
  const cudaError_t queued = sim::enqueue(handle->stream, [=] {
    if (!sim::check_operands(function, operands)) return false;
    compute(info);
    sim::spoil(work, work_bytes);
    return true;
  });
  return queued == cudaSuccess ? kOk : CUSOLVER_STATUS_EXECUTION_FAILED;
}

// The workspaces of a function of 64 bits.
template <class T> cusolverStatus_t tell_room(int room, size_t* device, size_t* host) {
  if (device == nullptr || host == nullptr) return kInvalid;
  *device = static_cast<size_t>(room) * sizeof(T), *host = kHostBytes;
  return kOk;
}
template <class T>
cusolverStatus_t check_room(int room, const void* device, size_t device_bytes, void* host,
                            size_t host_bytes) {
  if (device == nullptr || device_bytes < static_cast<size_t>(room) * sizeof(T) ||
      reinterpret_cast<uintptr_t>(device) % sizeof(T) != 0) {
    return CUSOLVER_STATUS_INVALID_WORKSPACE;
  }
  if (host == nullptr || host_bytes < kHostBytes) return CUSOLVER_STATUS_INVALID_WORKSPACE;
  sim::spoil(host, kHostBytes);
  return kOk;
}

}  // namespace

cusolverStatus_t cusolverGetVersion(int* version) {
  if (version == nullptr) return kInvalid;
  *version = CUSOLVER_VERSION;
  return kOk;
}

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle) {
  if (handle == nullptr) return kInvalid;
  if (!lapack::problem().empty()) return CUSOLVER_STATUS_NOT_INITIALIZED;
  *handle = new cusolverDnContext;
  return kOk;
}
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
  delete handle;
  return kOk;
}
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  handle->stream = stream;
  return kOk;
}
cusolverStatus_t cusolverDnCreateParams(cusolverDnParams_t* params) {
  if (params == nullptr) return kInvalid;
  *params = new cusolverDnParams;
  return kOk;
}
cusolverStatus_t cusolverDnDestroyParams(cusolverDnParams_t params) {
  delete params;
  return kOk;
}

cusolverStatus_t cusolverDnXpotrf_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                             cublasFillMode_t uplo, int64_t n, cudaDataType type,
                                             const void*, int64_t lda, cudaDataType compute,
                                             size_t* device, size_t* host) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!params || !is_fill_mode(uplo) || !is_matrix(n, n, lda)) return kInvalid;
  return for_type({type, compute},
                  [&]<class T>() { return tell_room<T>(room_for(n, n), device, host); });
}

cusolverStatus_t cusolverDnXpotrf(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                  cublasFillMode_t uplo, int64_t n, cudaDataType type, void* a,
                                  int64_t lda, cudaDataType compute, void* device,
                                  size_t device_bytes, void* host, size_t host_bytes, int* info) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!params || !is_fill_mode(uplo) || !is_matrix(n, n, lda)) return kInvalid;
  return for_type({type, compute}, [&]<class T>() {
    const auto status = check_room<T>(room_for(n, n), device, device_bytes, host, host_bytes);
    if (status != kOk) return status;
    return queue(handle, "cusolverDnXpotrf", {{"A", a, matrix_bytes<T>(n, n, lda)}}, device,
                 device_bytes, info, [=](int* result) {
                   const char triangle = letter(uplo);
                   const int size = static_cast<int>(n), leading = static_cast<int>(lda);
                   lapack::call<T>("potrf", &triangle, &size, static_cast<T*>(a), &leading, result,
                                   size_t{1});
                 });
  });
}

cusolverStatus_t cusolverDnXgeqrf_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                             int64_t m, int64_t n, cudaDataType type, const void*,
                                             int64_t lda, cudaDataType tau_type, const void*,
                                             cudaDataType compute, size_t* device, size_t* host) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!params || !is_matrix(m, n, lda)) return kInvalid;
  return for_type({type, tau_type, compute},
                  [&]<class T>() { return tell_room<T>(room_for(m, n), device, host); });
}

cusolverStatus_t cusolverDnXgeqrf(cusolverDnHandle_t handle, cusolverDnParams_t params, int64_t m,
                                  int64_t n, cudaDataType type, void* a, int64_t lda,
                                  cudaDataType tau_type, void* tau, cudaDataType compute,
                                  void* device, size_t device_bytes, void* host, size_t host_bytes,
                                  int* info) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!params || !is_matrix(m, n, lda)) return kInvalid;
  return for_type({type, tau_type, compute}, [&]<class T>() {
    const auto status = check_room<T>(room_for(m, n), device, device_bytes, host, host_bytes);
    if (status != kOk) return status;
    return queue(
        handle, "cusolverDnXgeqrf",
        {{"A", a, matrix_bytes<T>(m, n, lda)}, {"tau", tau, matrix_bytes<T>(std::min(m, n), 1, m)}},
        device, device_bytes, info, [=](int* result) {
          const int rows = static_cast<int>(m), columns = static_cast<int>(n);
          const int leading = static_cast<int>(lda);
          with_room<T>([&](T* work, int room) {
            lapack::call<T>("geqrf", &rows, &columns, static_cast<T*>(a), &leading,
                            static_cast<T*>(tau), work, &room, result);
          });
        });
  });
}

cusolverStatus_t cusolverDnXsyevd_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                             cusolverEigMode_t job, cublasFillMode_t uplo,
                                             int64_t n, cudaDataType type, const void*, int64_t lda,
                                             cudaDataType values_type, const void*,
                                             cudaDataType compute, size_t* device, size_t* host) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!params || !is_fill_mode(uplo) || !is_matrix(n, n, lda)) return kInvalid;
  if (job != CUSOLVER_EIG_MODE_VECTOR) return kNotSupported;
  return for_type({type, values_type, compute},
                  [&]<class T>() { return tell_room<T>(room_for(n, n), device, host); });
}

cusolverStatus_t cusolverDnXsyevd(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                  cusolverEigMode_t job, cublasFillMode_t uplo, int64_t n,
                                  cudaDataType type, void* a, int64_t lda, cudaDataType values_type,
                                  void* values, cudaDataType compute, void* device,
                                  size_t device_bytes, void* host, size_t host_bytes, int* info) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!params || !is_fill_mode(uplo) || !is_matrix(n, n, lda)) return kInvalid;
  if (job != CUSOLVER_EIG_MODE_VECTOR) return kNotSupported;
  return for_type({type, values_type, compute}, [&]<class T>() {
    const auto status = check_room<T>(room_for(n, n), device, device_bytes, host, host_bytes);
    if (status != kOk) return status;
    return queue(handle, "cusolverDnXsyevd",
                 {{"A", a, matrix_bytes<T>(n, n, lda)}, {"W", values, matrix_bytes<T>(n, 1, n)}},
                 device, device_bytes, info, [=](int* result) {
                   const char vectors = 'V', triangle = letter(uplo);
                   const int size = static_cast<int>(n), leading = static_cast<int>(lda);
                   with_room<T>([&](T* work, int room) {
                     lapack::call<T>("syev", &vectors, &triangle, &size, static_cast<T*>(a),
                                     &leading, static_cast<T*>(values), work, &room, result,
                                     size_t{1}, size_t{1});
                   });
                 });
  });
}

namespace {

// Singular vectors: all or the first ones, and no wide matrices.
cusolverStatus_t check_gesvd(signed char jobu, signed char jobvt, int64_t m, int64_t n, int64_t lda,
                             int64_t ldu, int64_t ldvt) {
  if ((jobu != 'A' && jobu != 'S') || jobvt != jobu) return kNotSupported;
  if (!is_matrix(m, n, lda) || m < n || ldu < m || ldvt < n) return kInvalid;
  return kOk;
}

}  // namespace

cusolverStatus_t cusolverDnXgesvd_bufferSize(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                             signed char jobu, signed char jobvt, int64_t m,
                                             int64_t n, cudaDataType type, const void*, int64_t lda,
                                             cudaDataType s_type, const void*, cudaDataType u_type,
                                             const void*, int64_t ldu, cudaDataType vt_type,
                                             const void*, int64_t ldvt, cudaDataType compute,
                                             size_t* device, size_t* host) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (params == nullptr) return kInvalid;
  const auto status = check_gesvd(jobu, jobvt, m, n, lda, ldu, ldvt);
  if (status != kOk) return status;
  return for_type({type, s_type, u_type, vt_type, compute},
                  [&]<class T>() { return tell_room<T>(room_for(m, n), device, host); });
}

cusolverStatus_t cusolverDnXgesvd(cusolverDnHandle_t handle, cusolverDnParams_t params,
                                  signed char jobu, signed char jobvt, int64_t m, int64_t n,
                                  cudaDataType type, void* a, int64_t lda, cudaDataType s_type,
                                  void* s, cudaDataType u_type, void* u, int64_t ldu,
                                  cudaDataType vt_type, void* vt, int64_t ldvt,
                                  cudaDataType compute, void* device, size_t device_bytes,
                                  void* host, size_t host_bytes, int* info) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (params == nullptr) return kInvalid;
  const auto right = check_gesvd(jobu, jobvt, m, n, lda, ldu, ldvt);
  if (right != kOk) return right;
  return for_type({type, s_type, u_type, vt_type, compute}, [&]<class T>() {
    const auto status = check_room<T>(room_for(m, n), device, device_bytes, host, host_bytes);
    if (status != kOk) return status;
    const std::vector<sim::Operand> operands{{"A", a, matrix_bytes<T>(m, n, lda)},
                                             {"S", s, matrix_bytes<T>(n, 1, n)},
                                             {"U", u, matrix_bytes<T>(m, jobu == 'A' ? m : n, ldu)},
                                             {"VT", vt, matrix_bytes<T>(n, n, ldvt)}};
    return queue(
        handle, "cusolverDnXgesvd", operands, device, device_bytes, info, [=](int* result) {
          const char job = static_cast<char>(jobu);
          const int rows = static_cast<int>(m), columns = static_cast<int>(n);
          const int leading = static_cast<int>(lda), leading_u = static_cast<int>(ldu),
                    leading_vt = static_cast<int>(ldvt);
          with_room<T>([&](T* work, int room) {
            lapack::call<T>("gesvd", &job, &job, &rows, &columns, static_cast<T*>(a), &leading,
                            static_cast<T*>(s), static_cast<T*>(u), &leading_u, static_cast<T*>(vt),
                            &leading_vt, work, &room, result, size_t{1}, size_t{1});
          });
          for (int64_t j = 0; j < n; ++j) {
            sim::spoil(static_cast<T*>(a) + j * lda, static_cast<size_t>(m) * sizeof(T));
          }
        });
  });
}

// Functions of one dtype: the symbol of each calls one of these.
namespace {

template <class T>
cusolverStatus_t potrf_batched(cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, T* arrays[],
                               int lda, int* infos, int count) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!is_fill_mode(uplo) || !is_matrix(n, n, lda) || count < 0) return kInvalid;
  if (!arrays || !infos) return kInvalid;
  const auto batch = static_cast<size_t>(count);
  const std::vector<sim::Operand> operands{{"Aarray", arrays, batch * sizeof *arrays},
                                           {"infoArray", infos, batch * sizeof *infos}};
  return queue(handle, "cusolverDn<t>potrfBatched", operands, nullptr, 0, infos, [=](int*) {
    const char triangle = letter(uplo);
    for (size_t b = 0; b < batch; ++b) {
      T* a = arrays[b];
      const sim::Operand operand[] = {{"a matrix", a, matrix_bytes<T>(n, n, lda)}};
      if (!sim::check_operands("cusolverDn<t>potrfBatched", operand)) return;
      lapack::call<T>("potrf", &triangle, &n, a, &lda, infos + b, size_t{1});
      for (int j = 0; j < n; ++j) {  // the other triangle is destroyed
        for (int i = 0; i < n; ++i) {
          if (triangle == 'L' ? i < j : i > j) sim::spoil(a + j * lda + i, sizeof(T));
        }
      }
    }
  });
}

template <class T>
cusolverStatus_t getrf(cusolverDnHandle_t handle, int m, int n, T* a, int lda, T* work, int* pivots,
                       int* info) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!is_matrix(m, n, lda) || a == nullptr || work == nullptr) return kInvalid;
  if (pivots == nullptr) return kNotSupported;  // factors without swaps
  const std::vector<sim::Operand> operands{
      {"A", a, matrix_bytes<T>(m, n, lda)},
      {"devIpiv", pivots, matrix_bytes<int>(std::min(m, n), 1, m)}};
  return queue(handle, "cusolverDn<t>getrf", operands, work,
               static_cast<size_t>(room_for(m, n)) * sizeof(T), info,
               [=](int* result) { lapack::call<T>("getrf", &m, &n, a, &lda, pivots, result); });
}

template <class T>
cusolverStatus_t getrs(cusolverDnHandle_t handle, cublasOperation_t trans, int n, int nrhs,
                       const T* a, int lda, const int* pivots, T* b, int ldb, int* info) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!is_matrix(n, n, lda) || !is_matrix(n, nrhs, ldb) || nrhs == 0) return kInvalid;
  if (trans != CUBLAS_OP_N || pivots == nullptr) return kNotSupported;
  const std::vector<sim::Operand> operands{{"A", a, matrix_bytes<T>(n, n, lda)},
                                           {"devIpiv", pivots, matrix_bytes<int>(n, 1, n)},
                                           {"B", b, matrix_bytes<T>(n, nrhs, ldb)}};
  return queue(handle, "cusolverDn<t>getrs", operands, nullptr, 0, info, [=](int* result) {
    const char plain = 'N';
    lapack::call<T>("getrs", &plain, &n, &nrhs, a, &lda, pivots, b, &ldb, result, size_t{1});
  });
}

template <class T>
cusolverStatus_t orgqr(cusolverDnHandle_t handle, int m, int n, int k, T* a, int lda, const T* tau,
                       T* work, int lwork, int* info) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!is_matrix(m, n, lda) || n > m || k > n || k < 1) return kInvalid;
  if (work == nullptr || lwork < room_for(m, n)) return CUSOLVER_STATUS_INVALID_WORKSPACE;
  const std::vector<sim::Operand> operands{{"A", a, matrix_bytes<T>(m, n, lda)},
                                           {"tau", tau, matrix_bytes<T>(k, 1, k)}};
  return queue(handle, "cusolverDn<t>orgqr", operands, work, static_cast<size_t>(lwork) * sizeof(T),
               info, [=](int* result) {
                 with_room<T>([&](T* own, int room) {
                   lapack::call<T>("orgqr", &m, &n, &k, a, &lda, tau, own, &room, result);
                 });
               });
}

cusolverStatus_t tell_length(cusolverDnHandle_t handle, int m, int n, int lda, int* length) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (!is_matrix(m, n, lda) || length == nullptr) return kInvalid;
  *length = room_for(m, n);
  return kOk;
}

}  // namespace

cusolverStatus_t cusolverDnSpotrfBatched(cusolverDnHandle_t h, cublasFillMode_t uplo, int n,
                                         float* a[], int lda, int* infos, int count) {
  return potrf_batched(h, uplo, n, a, lda, infos, count);
}
cusolverStatus_t cusolverDnDpotrfBatched(cusolverDnHandle_t h, cublasFillMode_t uplo, int n,
                                         double* a[], int lda, int* infos, int count) {
  return potrf_batched(h, uplo, n, a, lda, infos, count);
}
cusolverStatus_t cusolverDnSgetrf_bufferSize(cusolverDnHandle_t h, int m, int n, float*, int lda,
                                             int* length) {
  return tell_length(h, m, n, lda, length);
}
cusolverStatus_t cusolverDnDgetrf_bufferSize(cusolverDnHandle_t h, int m, int n, double*, int lda,
                                             int* length) {
  return tell_length(h, m, n, lda, length);
}
cusolverStatus_t cusolverDnSgetrf(cusolverDnHandle_t h, int m, int n, float* a, int lda,
                                  float* work, int* pivots, int* info) {
  return getrf(h, m, n, a, lda, work, pivots, info);
}
cusolverStatus_t cusolverDnDgetrf(cusolverDnHandle_t h, int m, int n, double* a, int lda,
                                  double* work, int* pivots, int* info) {
  return getrf(h, m, n, a, lda, work, pivots, info);
}
cusolverStatus_t cusolverDnSgetrs(cusolverDnHandle_t h, cublasOperation_t trans, int n, int nrhs,
                                  const float* a, int lda, const int* pivots, float* b, int ldb,
                                  int* info) {
  return getrs(h, trans, n, nrhs, a, lda, pivots, b, ldb, info);
}
cusolverStatus_t cusolverDnDgetrs(cusolverDnHandle_t h, cublasOperation_t trans, int n, int nrhs,
                                  const double* a, int lda, const int* pivots, double* b, int ldb,
                                  int* info) {
  return getrs(h, trans, n, nrhs, a, lda, pivots, b, ldb, info);
}
cusolverStatus_t cusolverDnSorgqr_bufferSize(cusolverDnHandle_t h, int m, int n, int, const float*,
                                             int lda, const float*, int* length) {
  return tell_length(h, m, n, lda, length);
}
cusolverStatus_t cusolverDnDorgqr_bufferSize(cusolverDnHandle_t h, int m, int n, int, const double*,
                                             int lda, const double*, int* length) {
  return tell_length(h, m, n, lda, length);
}
cusolverStatus_t cusolverDnSorgqr(cusolverDnHandle_t h, int m, int n, int k, float* a, int lda,
                                  const float* tau, float* work, int lwork, int* info) {
  return orgqr(h, m, n, k, a, lda, tau, work, lwork, info);
}
cusolverStatus_t cusolverDnDorgqr(cusolverDnHandle_t h, int m, int n, int k, double* a, int lda,
                                  const double* tau, double* work, int lwork, int* info) {
  return orgqr(h, m, n, k, a, lda, tau, work, lwork, info);
}

namespace {

void* find(const char* symbol) {
  static const std::map<std::string, void*> symbols{
      {"cusolverGetVersion", reinterpret_cast<void*>(cusolverGetVersion)},
      {"cusolverDnCreate", reinterpret_cast<void*>(cusolverDnCreate)},
      {"cusolverDnDestroy", reinterpret_cast<void*>(cusolverDnDestroy)},
      {"cusolverDnSetStream", reinterpret_cast<void*>(cusolverDnSetStream)},
      {"cusolverDnCreateParams", reinterpret_cast<void*>(cusolverDnCreateParams)},
      {"cusolverDnDestroyParams", reinterpret_cast<void*>(cusolverDnDestroyParams)},
      {"cusolverDnXpotrf_bufferSize", reinterpret_cast<void*>(cusolverDnXpotrf_bufferSize)},
      {"cusolverDnXpotrf", reinterpret_cast<void*>(cusolverDnXpotrf)},
      {"cusolverDnXgeqrf_bufferSize", reinterpret_cast<void*>(cusolverDnXgeqrf_bufferSize)},
      {"cusolverDnXgeqrf", reinterpret_cast<void*>(cusolverDnXgeqrf)},
      {"cusolverDnXsyevd_bufferSize", reinterpret_cast<void*>(cusolverDnXsyevd_bufferSize)},
      {"cusolverDnXsyevd", reinterpret_cast<void*>(cusolverDnXsyevd)},
      {"cusolverDnXgesvd_bufferSize", reinterpret_cast<void*>(cusolverDnXgesvd_bufferSize)},
      {"cusolverDnXgesvd", reinterpret_cast<void*>(cusolverDnXgesvd)},
      {"cusolverDnSpotrfBatched", reinterpret_cast<void*>(cusolverDnSpotrfBatched)},
      {"cusolverDnDpotrfBatched", reinterpret_cast<void*>(cusolverDnDpotrfBatched)},
      {"cusolverDnSgetrf_bufferSize", reinterpret_cast<void*>(cusolverDnSgetrf_bufferSize)},
      {"cusolverDnDgetrf_bufferSize", reinterpret_cast<void*>(cusolverDnDgetrf_bufferSize)},
      {"cusolverDnSgetrf", reinterpret_cast<void*>(cusolverDnSgetrf)},
      {"cusolverDnDgetrf", reinterpret_cast<void*>(cusolverDnDgetrf)},
      {"cusolverDnSgetrs", reinterpret_cast<void*>(cusolverDnSgetrs)},
      {"cusolverDnDgetrs", reinterpret_cast<void*>(cusolverDnDgetrs)},
      {"cusolverDnSorgqr_bufferSize", reinterpret_cast<void*>(cusolverDnSorgqr_bufferSize)},
      {"cusolverDnDorgqr_bufferSize", reinterpret_cast<void*>(cusolverDnDorgqr_bufferSize)},
      {"cusolverDnSorgqr", reinterpret_cast<void*>(cusolverDnSorgqr)},
      {"cusolverDnDorgqr", reinterpret_cast<void*>(cusolverDnDorgqr)}};
  const auto found = symbols.find(symbol);
  return found == symbols.end() ? nullptr : found->second;
}

const bool kProvided = [] {
  provide_library("libcusolver", find, "");
  return true;
}();

}  // namespace
