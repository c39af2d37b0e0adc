// Loading of cuSOLVER and cuBLAS, and their errors.
#include "kernels/linalg/cusolver/library.h"

#include "core/error.h"

namespace iolaus::cusolver {

Library::Library() {
  const auto load = [this]<class Fn>(const DynamicLibrary& from, Fn& fn, const std::string& name) {
    if (!problem.empty()) return;
    fn = reinterpret_cast<Fn>(from.find(name.c_str()));
    if (!from.is_open()) {
      problem = from.problem();
    } else if (fn == nullptr) {
      problem = fmt::format("it has no {}", name);
    }
  };
  const auto load_typed = [&](const DynamicLibrary& from, auto& fn, const std::string& prefix,
                              const std::string& name) {
    load(from, fn.single, prefix + "S" + name);
    load(from, fn.wide, prefix + "D" + name);
  };
  load(solver, create, "cusolverDnCreate");
  load(solver, set_stream, "cusolverDnSetStream");
  load(solver, create_params, "cusolverDnCreateParams");
  load(solver, potrf_room, "cusolverDnXpotrf_bufferSize");
  load(solver, potrf, "cusolverDnXpotrf");
  load(solver, geqrf_room, "cusolverDnXgeqrf_bufferSize");
  load(solver, geqrf, "cusolverDnXgeqrf");
  load(solver, syevd_room, "cusolverDnXsyevd_bufferSize");
  load(solver, syevd, "cusolverDnXsyevd");
  load(solver, gesvd_room, "cusolverDnXgesvd_bufferSize");
  load(solver, gesvd, "cusolverDnXgesvd");
  load_typed(solver, potrf_batched, "cusolverDn", "potrfBatched");
  load_typed(solver, getrf_room, "cusolverDn", "getrf_bufferSize");
  load_typed(solver, getrf, "cusolverDn", "getrf");
  load_typed(solver, getrs, "cusolverDn", "getrs");
  load_typed(solver, orgqr_room, "cusolverDn", "orgqr_bufferSize");
  load_typed(solver, orgqr, "cusolverDn", "orgqr");
  load(blas, blas_create, "cublasCreate_v2");
  load(blas, blas_set_stream, "cublasSetStream_v2");
  load_typed(blas, getrf_batched, "cublas", "getrfBatched");
  load_typed(blas, getrs_batched, "cublas", "getrsBatched");
}

const Library& library() {
  static auto* loaded = new Library;
  return *loaded;
}

std::string status_text(cusolverStatus_t status) {
  switch (status) {
    case CUSOLVER_STATUS_NOT_INITIALIZED:
      return "CUSOLVER_STATUS_NOT_INITIALIZED: the driver or the device could not be set up";
    case CUSOLVER_STATUS_ALLOC_FAILED:
      return "CUSOLVER_STATUS_ALLOC_FAILED: no memory for the library's own buffers";
    case CUSOLVER_STATUS_INVALID_VALUE:
      return "CUSOLVER_STATUS_INVALID_VALUE: an argument is not allowed";
    case CUSOLVER_STATUS_ARCH_MISMATCH:
      return "CUSOLVER_STATUS_ARCH_MISMATCH: this GPU lacks what was asked for";
    case CUSOLVER_STATUS_EXECUTION_FAILED:
      return "CUSOLVER_STATUS_EXECUTION_FAILED: the launch failed";
    case CUSOLVER_STATUS_INTERNAL_ERROR:
      return "CUSOLVER_STATUS_INTERNAL_ERROR: the library itself failed";
    case CUSOLVER_STATUS_NOT_SUPPORTED:
      return "CUSOLVER_STATUS_NOT_SUPPORTED: no implementation for these types or sizes";
    case CUSOLVER_STATUS_INVALID_WORKSPACE:
      return "CUSOLVER_STATUS_INVALID_WORKSPACE: less memory than it asked for";
    default:
      return fmt::format("status {} of cuSOLVER", static_cast<int>(status));
  }
}

}  // namespace iolaus::cusolver
