// The stand-in for cuBLASLt on the simulated device: right products for every layout, the library's
// own refusals, and memory that a call must not touch.
#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <cstdlib>

#include "core/cuda/sim/diagnosis.h"
#include "core/cuda/sim/stream.h"
#include "core/dynamic_library.h"
#include "kernels/check.h"
#include "kernels/copy/copy.h"
#include "kernels/matmul/matmul.h"
#include "kernels/tune_cache.h"

using namespace iolaus;

namespace {

Tensor to_device(const Tensor& x) { return convert(x, x.dtype(), Device(kCUDA)); }

// Column-major operands of one product, and how they are described.
struct Product {
  int64_t m = 3, n = 4, k = 5, lda = 3, ldb = 5, ldc = 3;
  cublasOperation_t op_a = CUBLAS_OP_N, op_b = CUBLAS_OP_N;
  cudaDataType_t type = CUDA_R_32F;
  bool has_bias = false;
  int32_t batches = 1;
  uint32_t alignment = 4;
  int which = 0;  // of the proposed algorithms
  size_t workspace = 1 << 20;
  bool null_alpha = false;
  int64_t shift = 0;  // bytes that A's address is off

  Tensor a = {}, b = {}, c = {}, bias = {};

  cublasStatus_t run(float alpha, float beta) {
    cublasLtHandle_t handle;
    REQUIRE(cublasLtCreate(&handle) == CUBLAS_STATUS_SUCCESS);
    cublasLtMatmulDesc_t desc;
    cublasLtMatmulDescCreate(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSA, &op_a, sizeof op_a);
    cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSB, &op_b, sizeof op_b);
    if (has_bias) {
      const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
      const void* data = bias.defined() ? bias.raw_data() : nullptr;
      cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                     sizeof epilogue);
      cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &data, sizeof data);
    }
    const auto layout = [&](int64_t rows, int64_t columns, int64_t leading, int64_t stride) {
      cublasLtMatrixLayout_t made;
      cublasLtMatrixLayoutCreate(&made, type, static_cast<uint64_t>(rows),
                                 static_cast<uint64_t>(columns), leading);
      cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batches,
                                       sizeof batches);
      cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride,
                                       sizeof stride);
      return made;
    };
    const bool ta = op_a != CUBLAS_OP_N, tb = op_b != CUBLAS_OP_N;
    const auto la = layout(ta ? k : m, ta ? m : k, lda, lda * (ta ? m : k));
    const auto lb = layout(tb ? n : k, tb ? k : n, ldb, ldb * (tb ? k : n));
    const auto lc = layout(m, n, ldc, ldc * n);
    cublasLtMatmulPreference_t preference;
    cublasLtMatmulPreferenceCreate(&preference);
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                         &workspace, sizeof workspace);
    for (const auto what :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
      cublasLtMatmulPreferenceSetAttribute(preference, what, &alignment, sizeof alignment);
    }
    cublasLtMatmulHeuristicResult_t found[8];
    int count = 0;
    cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle, desc, la, lb, lc, lc, preference, 8, found, &count);
    if (status == CUBLAS_STATUS_SUCCESS) {
      REQUIRE(count > which);
      const auto& choice = found[which];
      void* scratch = choice.workspaceSize == 0
                          ? nullptr
                          : backend(kCUDA).allocate(Device(kCUDA), choice.workspaceSize);
      status = cublasLtMatmul(handle, desc, null_alpha ? nullptr : &alpha,
                              static_cast<char*>(a.raw_data()) + shift, la, b.raw_data(), lb, &beta,
                              c.raw_data(), lc, c.raw_data(), lc, &choice.algo, scratch,
                              choice.workspaceSize, nullptr);
      if (scratch != nullptr) {
        backend(kCUDA).free(Device(kCUDA), scratch, choice.workspaceSize);
      }
    }
    cublasLtMatmulPreferenceDestroy(preference);
    for (const auto l : {la, lb, lc}) cublasLtMatrixLayoutDestroy(l);
    cublasLtMatmulDescDestroy(desc);
    cublasLtDestroy(handle);
    return status;
  }

  // Operands of the right sizes with random values.
  void fill() {
    const bool ta = op_a != CUBLAS_OP_N, tb = op_b != CUBLAS_OP_N;
    a = to_device(sample_tensor({batches * lda * (ta ? m : k)}, kFloat32, 1));
    b = to_device(sample_tensor({batches * ldb * (tb ? k : n)}, kFloat32, 2));
    c = to_device(sample_tensor({batches * ldc * n}, kFloat32, 3));
    if (has_bias) bias = to_device(sample_tensor({m}, kFloat32, 4));
  }
};

void check_product(Product p) {
  p.fill();
  const auto a = p.a.to_vector<double>(), b = p.b.to_vector<double>(),
             before = p.c.to_vector<double>();
  const auto bias = p.has_bias ? p.bias.to_vector<double>() : std::vector<double>();
  REQUIRE(p.run(0.5f, 2) == CUBLAS_STATUS_SUCCESS);
  const auto after = p.c.to_vector<double>();
  const bool ta = p.op_a != CUBLAS_OP_N, tb = p.op_b != CUBLAS_OP_N;
  for (int64_t batch = 0; batch < p.batches; ++batch) {
    const int64_t a0 = batch * p.lda * (ta ? p.m : p.k), b0 = batch * p.ldb * (tb ? p.k : p.n);
    for (int64_t j = 0; j < p.n; ++j) {
      for (int64_t i = 0; i < p.ldc; ++i) {
        const auto at = static_cast<size_t>((batch * p.n + j) * p.ldc + i);
        double expected = before[at];  // the gap between columns stays as it was
        if (i < p.m) {
          double sum = 0;
          for (int64_t k = 0; k < p.k; ++k) {
            sum += a[static_cast<size_t>(a0 + (ta ? i * p.lda + k : k * p.lda + i))] *
                   b[static_cast<size_t>(b0 + (tb ? k * p.ldb + j : j * p.ldb + k))];
          }
          expected = 0.5 * sum + 2 * before[at] + (p.has_bias ? bias[static_cast<size_t>(i)] : 0);
        }
        CHECK(after[at] == doctest::Approx(expected).epsilon(1e-5));
      }
    }
  }
}

}  // namespace

TEST_CASE("products are right for transposed, padded and batched matrices, with and without bias") {
  check_product({});
  check_product({.lda = 7, .ldb = 6, .ldc = 8});
  check_product({.lda = 5, .op_a = CUBLAS_OP_T});
  check_product({.ldb = 4, .op_b = CUBLAS_OP_T, .has_bias = true});
  check_product({.lda = 6, .ldb = 5, .op_a = CUBLAS_OP_T, .op_b = CUBLAS_OP_T, .batches = 3});
  for (int which : {1, 2}) check_product({.has_bias = true, .batches = 2, .which = which});
}

TEST_CASE("the calls refuse what the library refuses") {
  const auto status = [](Product p) {
    p.fill();
    return p.run(1, 0);
  };
  CHECK(status({.lda = 2}) == CUBLAS_STATUS_INVALID_VALUE);  // shorter than a column
  CHECK(status({.ldb = 4}) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(status({.lda = 5, .op_a = CUBLAS_OP_T, .null_alpha = true}) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(status({.shift = 2}) == CUBLAS_STATUS_INVALID_VALUE);                   // half a float
  CHECK(status({.alignment = 16, .shift = 4}) == CUBLAS_STATUS_INVALID_VALUE);  // a broken promise
  CHECK(status({.type = CUDA_R_64F}) == CUBLAS_STATUS_NOT_SUPPORTED);  // computed in float32
  CHECK(status({.type = CUDA_R_8I}) == CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK(status({.batches = 0}) == CUBLAS_STATUS_INVALID_VALUE);
  Product without_bias{.has_bias = true};
  without_bias.fill();
  without_bias.bias = Tensor();
  CHECK(without_bias.run(1, 0) == CUBLAS_STATUS_INVALID_VALUE);
  cublasLtMatmulDesc_t desc;
  CHECK(cublasLtMatmulDescCreate(nullptr, CUBLAS_COMPUTE_32F, CUDA_R_32F) ==
        CUBLAS_STATUS_INVALID_VALUE);
  cublasLtMatmulDescCreate(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  const char narrow = 0;
  CHECK(cublasLtMatmulDescSetAttribute(desc, CUBLASLT_MATMUL_DESC_TRANSA, &narrow, 1) ==
        CUBLAS_STATUS_INVALID_VALUE);
  cublasLtMatmulDescDestroy(desc);
}

TEST_CASE("a product that leaves its memory is a diagnosis when it runs") {
  Product p;
  p.fill();
  p.b = to_device(sample_tensor({3}, kFloat32, 1));  // of the 20 that the layout speaks of
  // The allocator cuts small tensors from segments of 2 MiB: the layout must reach beyond.
  p.n = 200000, p.c = to_device(sample_tensor({p.ldc * p.n}, kFloat32, 3));
  CHECK(p.run(1, 0) == CUBLAS_STATUS_SUCCESS);
  CHECK(cudaDeviceSynchronize() != cudaSuccess);
  CHECK(sim::last_diagnosis().find("cublasLtMatmul: 4000000 bytes of B are") != std::string::npos);
  sim::reset_device();
}

TEST_CASE("the loader finds the stand-in, and says why there is no cuDNN") {
  CHECK(DynamicLibrary({"libcublasLt.so.13"}).is_open());
  CHECK(DynamicLibrary({"libcublasLt.so.13"}).find("cublasLtMatmul") != nullptr);
  CHECK(DynamicLibrary({"libcublasLt.so.13"}).find("cublasLtUnknown") == nullptr);
  const DynamicLibrary cudnn{"libcudnn.so.9", "libcudnn.so"};
  CHECK_FALSE(cudnn.is_open());
  CHECK(cudnn.problem() == "not on the simulated device");
}

TEST_CASE("the choice between algorithms leaves C as the product makes it") {
  set_tune_mode(TuneMode::kTune);
  const Tensor a = sample_tensor({9, 17}, kFloat32, 1), b = sample_tensor({17, 11}, kFloat32, 2);
  const Tensor c = sample_tensor({9, 11}, kFloat32, 3), bias = sample_tensor({11}, kFloat32, 4);
  const Tensor there = to_device(c), there_bias = to_device(bias);
  matmul_into(c, a, b, &bias, 2, 3);
  select_kernel("matmul", "cublaslt");
  matmul_into(there, to_device(a), to_device(b), &there_bias, 2, 3);
  reset_kernel_selection();
  reset_tune_mode();
  const auto expected = c.to_vector<double>(), actual = there.to_vector<double>();
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(actual[i] == doctest::Approx(expected[i]).epsilon(1e-5));
  }
}
