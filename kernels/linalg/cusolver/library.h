// cuSOLVER's dense part and the batched LU of cuBLAS, loaded when first needed: the functions that
// are used, and their errors in words. Functions with X are of 64 bits and for every dtype.
#pragma once

#include <cublas_v2.h>
#include <cusolverDn.h>

#include <string>
#include <type_traits>

#include "core/dynamic_library.h"

namespace iolaus::cusolver {

/// A function that a library has for float and for double.
template <class F, class D> struct Typed {
  F single = nullptr;
  D wide = nullptr;
  template <class T> auto get() const {
    if constexpr (std::is_same_v<T, float>) {
      return single;
    } else {
      return wide;
    }
  }
};

struct Library {
  DynamicLibrary solver{"libcusolver.so.12", "libcusolver.so.11", "libcusolver.so"};
  DynamicLibrary blas{"libcublas.so.13", "libcublas.so.12", "libcublas.so"};  // cuSOLVER needs it
  decltype(&cusolverDnCreate) create = nullptr;
  decltype(&cusolverDnSetStream) set_stream = nullptr;
  decltype(&cusolverDnCreateParams) create_params = nullptr;
  decltype(&cusolverDnXpotrf_bufferSize) potrf_room = nullptr;
  decltype(&cusolverDnXpotrf) potrf = nullptr;
  decltype(&cusolverDnXgeqrf_bufferSize) geqrf_room = nullptr;
  decltype(&cusolverDnXgeqrf) geqrf = nullptr;
  decltype(&cusolverDnXsyevd_bufferSize) syevd_room = nullptr;
  decltype(&cusolverDnXsyevd) syevd = nullptr;
  decltype(&cusolverDnXgesvd_bufferSize) gesvd_room = nullptr;
  decltype(&cusolverDnXgesvd) gesvd = nullptr;
  Typed<decltype(&cusolverDnSpotrfBatched), decltype(&cusolverDnDpotrfBatched)> potrf_batched;
  Typed<decltype(&cusolverDnSgetrf_bufferSize), decltype(&cusolverDnDgetrf_bufferSize)> getrf_room;
  Typed<decltype(&cusolverDnSgetrf), decltype(&cusolverDnDgetrf)> getrf;
  Typed<decltype(&cusolverDnSgetrs), decltype(&cusolverDnDgetrs)> getrs;
  Typed<decltype(&cusolverDnSorgqr_bufferSize), decltype(&cusolverDnDorgqr_bufferSize)> orgqr_room;
  Typed<decltype(&cusolverDnSorgqr), decltype(&cusolverDnDorgqr)> orgqr;
  decltype(&cublasCreate) blas_create = nullptr;
  decltype(&cublasSetStream) blas_set_stream = nullptr;
  Typed<decltype(&cublasSgetrfBatched), decltype(&cublasDgetrfBatched)> getrf_batched;
  Typed<decltype(&cublasSgetrsBatched), decltype(&cublasDgetrsBatched)> getrs_batched;
  /// Why the libraries cannot be used, or "".
  std::string problem;
  Library();
};
/// Loads them at the first call.
const Library& library();

/// "CUSOLVER_STATUS_INVALID_VALUE: an argument is not allowed". For cuBLAS's see cublaslt.
std::string status_text(cusolverStatus_t status);

}  // namespace iolaus::cusolver
