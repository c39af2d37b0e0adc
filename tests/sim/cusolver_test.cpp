// The stand-ins for cuSOLVER and cuBLAS on the simulated device: the libraries' refusals, memory
// that a call must not touch, and the order on streams.
#include <cublas_v2.h>
#include <cusolverDn.h>
#include <doctest/doctest.h>

#include "core/cuda/sim/diagnosis.h"
#include "core/cuda/stream.h"
#include "core/dynamic_library.h"
#include "kernels/check.h"
#include "kernels/copy/copy.h"
#include "kernels/linalg/linalg.h"
#include "tests/sim/support.h"

using namespace iolaus;

namespace {

Tensor to_device(const Tensor& x) { return convert(x, x.dtype(), Device(kCUDA)); }

// A factorisation by cusolverDnXpotrf of a 2 x 2 matrix, with what may be wrong about it.
struct Potrf {
  int64_t n = 2, lda = 2;
  cudaDataType type = CUDA_R_32F, compute = CUDA_R_32F;
  cublasFillMode_t uplo = CUBLAS_FILL_MODE_LOWER;
  bool has_handle = true, has_params = true, has_info = true, has_host = true;
  size_t short_by = 0;  // bytes of workspace
  float* a = nullptr;

  cusolverStatus_t run() const {
    cusolverDnHandle_t handle;
    cusolverDnParams_t params;
    REQUIRE(cusolverDnCreate(&handle) == CUSOLVER_STATUS_SUCCESS);
    REQUIRE(cusolverDnCreateParams(&params) == CUSOLVER_STATUS_SUCCESS);
    size_t device = 0, host = 0;
    cusolverStatus_t status = cusolverDnXpotrf_bufferSize(
        handle, params, CUBLAS_FILL_MODE_LOWER, 2, CUDA_R_32F, a, 2, CUDA_R_32F, &device, &host);
    REQUIRE(status == CUSOLVER_STATUS_SUCCESS);
    const test::Buffer<char> work(device);
    const test::Buffer<int> info(1);
    std::vector<char> host_work(host);
    status = cusolverDnXpotrf(has_handle ? handle : nullptr, has_params ? params : nullptr, uplo, n,
                              type, a, lda, compute, work.get(), device - short_by,
                              has_host ? host_work.data() : nullptr, host,
                              has_info ? info.get() : nullptr);
    if (status == CUSOLVER_STATUS_SUCCESS && cudaDeviceSynchronize() == cudaSuccess) {
      CHECK(info.values()[0] == 0);
    }
    cusolverDnDestroyParams(params);
    cusolverDnDestroy(handle);
    return status;
  }
};

}  // namespace

TEST_CASE("cuSOLVER's calls refuse what the library refuses") {
  const test::Buffer<float> a(std::vector<float>{4, 2, 2, 10});
  const auto status = [&](Potrf p) {
    p.a = a.get();
    return p.run();
  };
  CHECK(status({}) == CUSOLVER_STATUS_SUCCESS);
  CHECK(a.values() == std::vector<float>{2, 1, 2, 3});
  CHECK(status({.lda = 1}) == CUSOLVER_STATUS_INVALID_VALUE);
  CHECK(status({.n = -1}) == CUSOLVER_STATUS_INVALID_VALUE);
  CHECK(status({.compute = CUDA_R_64F}) == CUSOLVER_STATUS_INVALID_VALUE);
  CHECK(status({.type = CUDA_R_16F, .compute = CUDA_R_16F}) == CUSOLVER_STATUS_NOT_SUPPORTED);
  CHECK(status({.uplo = CUBLAS_FILL_MODE_FULL}) == CUSOLVER_STATUS_INVALID_VALUE);
  CHECK(status({.has_handle = false}) == CUSOLVER_STATUS_NOT_INITIALIZED);
  CHECK(status({.has_params = false}) == CUSOLVER_STATUS_INVALID_VALUE);
  CHECK(status({.has_info = false}) == CUSOLVER_STATUS_INVALID_VALUE);
  CHECK(status({.has_host = false}) == CUSOLVER_STATUS_INVALID_WORKSPACE);
  CHECK(status({.short_by = 1}) == CUSOLVER_STATUS_INVALID_WORKSPACE);
  CHECK(a.values() == std::vector<float>{2, 1, 2, 3});  // refused calls touch nothing

  cusolverDnHandle_t handle;
  REQUIRE(cusolverDnCreate(&handle) == CUSOLVER_STATUS_SUCCESS);
  cusolverDnParams_t params;
  REQUIRE(cusolverDnCreateParams(&params) == CUSOLVER_STATUS_SUCCESS);
  size_t device = 0, host = 0;
  const auto gesvd = [&](signed char job, int64_t m, int64_t n, int64_t ldvt) {
    return cusolverDnXgesvd_bufferSize(handle, params, job, job, m, n, CUDA_R_32F, a.get(), m,
                                       CUDA_R_32F, a.get(), CUDA_R_32F, a.get(), m, CUDA_R_32F,
                                       a.get(), ldvt, CUDA_R_32F, &device, &host);
  };
  CHECK(gesvd('S', 3, 2, 2) == CUSOLVER_STATUS_SUCCESS);
  CHECK(gesvd('S', 2, 3, 3) == CUSOLVER_STATUS_INVALID_VALUE);  // wide
  CHECK(gesvd('S', 3, 2, 1) == CUSOLVER_STATUS_INVALID_VALUE);
  CHECK(gesvd('X', 3, 2, 2) == CUSOLVER_STATUS_NOT_SUPPORTED);
  int length = 0;
  CHECK(cusolverDnSgetrf_bufferSize(handle, 2, 2, a.get(), 1, &length) ==
        CUSOLVER_STATUS_INVALID_VALUE);
  CHECK(cusolverDnSorgqr(handle, 2, 3, 1, a.get(), 2, a.get(), a.get(), 100, nullptr) ==
        CUSOLVER_STATUS_INVALID_VALUE);  // more columns than rows
  CHECK(cusolverDnSorgqr(handle, 2, 2, 1, a.get(), 2, a.get(), a.get(), 1, nullptr) ==
        CUSOLVER_STATUS_INVALID_WORKSPACE);
  cusolverDnDestroyParams(params);
  cusolverDnDestroy(handle);
}

TEST_CASE("cuBLAS's batched calls refuse what the library refuses") {
  cublasHandle_t handle;
  REQUIRE(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
  const test::Buffer<float> a(std::vector<float>{4, 2, 2, 10}), b(std::vector<float>{8, 22});
  const test::Buffer<float*> matrices(std::vector<float*>{a.get()}),
      right(std::vector<float*>{b.get()});
  const test::Buffer<int> pivots(2), infos(1);
  const auto factorise = [&](float** from, int lda) {
    return cublasSgetrfBatched(handle, 2, from, lda, pivots.get(), infos.get(), 1);
  };
  int info = 1;
  const auto solve = [&](int ldb, int* where) {
    return cublasSgetrsBatched(handle, CUBLAS_OP_N, 2, 1, matrices.get(), 2, pivots.get(),
                               right.get(), ldb, where, 1);
  };
  CHECK(factorise(matrices.get(), 1) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(factorise(nullptr, 2) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(factorise(matrices.get(), 2) == CUBLAS_STATUS_SUCCESS);
  CHECK(solve(1, &info) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(info == -8);
  CHECK(solve(2, infos.get()) == CUBLAS_STATUS_INVALID_VALUE);  // its info lies on the host
  CHECK(solve(2, &info) == CUBLAS_STATUS_SUCCESS);
  CHECK(info == 0);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(infos.values()[0] == 0);
  CHECK(b.values()[0] == doctest::Approx(1));
  CHECK(b.values()[1] == doctest::Approx(2));
  // An array of pointers that lies on the host is found when the work runs.
  float* on_host[] = {a.get()};
  CHECK(factorise(on_host, 2) == CUBLAS_STATUS_SUCCESS);
  CHECK(cudaDeviceSynchronize() != cudaSuccess);
  CHECK(test::contains(sim::last_diagnosis(), "cublas<t>getrfBatched: 8 bytes of A are"));
  sim::reset_device();
  cublasDestroy(handle);
}

TEST_CASE("a factorisation that leaves its memory is a diagnosis when it runs") {
  const test::Buffer<float> small(std::vector<float>{4, 2, 2});
  CHECK(Potrf{.a = small.get()}.run() == CUSOLVER_STATUS_SUCCESS);
  CHECK(test::contains(sim::last_diagnosis(), "cusolverDnXpotrf: 16 bytes of A are"));
  sim::reset_device();
}

TEST_CASE("factorisations run on the current stream, after what made their matrices") {
  const Tensor made = sample_tensor({3, 40, 40}, kFloat64, 1);
  for (int turn = 0; turn < 4; ++turn) {
    const cuda::StreamGuard guard(cuda::pool_stream(0));
    const Tensor a = to_device(made), pivots = empty({3, 40}, {.dtype = kInt32, .device = kCUDA});
    const Tensor copied = empty(a.sizes(), a.options());
    copy(a, copied);  // queued, late
    linalg::lu("lu", copied, pivots);
    const Tensor host = convert(made, kFloat64, Device()),
                 host_pivots = empty({3, 40}, {.dtype = kInt32});
    linalg::lu("lu", host, host_pivots);
    CHECK(pivots.to_vector<int>() == host_pivots.to_vector<int>());
    CHECK(copied.to_vector<double>() == host.to_vector<double>());
  }
}

TEST_CASE("the loader finds the stand-ins for cuSOLVER and cuBLAS") {
  const DynamicLibrary solver{"libcusolver.so.12"}, blas{"libcublas.so.13"};
  CHECK(solver.find("cusolverDnXgesvd") != nullptr);
  CHECK(solver.find("cusolverDnXgesvdr") == nullptr);
  CHECK(blas.find("cublasDgetrsBatched") != nullptr);
  CHECK(blas.find("cublasLtMatmul") == nullptr);
}
