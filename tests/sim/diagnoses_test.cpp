// Each diagnosis of the simulated device has a planted defect here, and beside it a kernel that is
// right and must not be accused. Lines are named by the diagnoses, so they are looked for.
#include "tests/sim/support.h"

using namespace iolaus;
using namespace iolaus::test;

namespace {

__global__ void divergent_barrier(float* y) {
  if (threadIdx.x < 32) {
    y[threadIdx.x] = 1;
    __syncthreads();
  } else {
    y[threadIdx.x] = 2;
    __syncthreads();
  }
}

__global__ void early_return(float* y, unsigned n) {
  if (threadIdx.x >= n) return;
  __syncthreads();
  y[threadIdx.x] = 1;
}

__global__ void warp_waits_for_block(float* y) {
  if (threadIdx.x % 2 == 1) {
    y[threadIdx.x] = __shfl_sync(gpu::kAllLanes, 1.0f, 0);
  } else {
    __syncthreads();
  }
}

__global__ void absent_lane(float* y) {
  float v = 1;
  if (threadIdx.x < 16) v = __shfl_sync(0xffffu, v, 20);
  y[threadIdx.x] = v;
}

__global__ void not_in_own_mask(float* y) { y[threadIdx.x] = __shfl_sync(0xffffu, 1.0f, 0); }

__global__ void returned_lane(float* y) {
  if (threadIdx.x >= 16) return;
  y[threadIdx.x] = __shfl_sync(gpu::kAllLanes, 1.0f, 0);
}

__global__ void divergent_warp(float* y) {
  if (threadIdx.x < 16) {
    y[threadIdx.x] = __shfl_sync(gpu::kAllLanes, 1.0f, 0);
  } else {
    y[threadIdx.x] = __shfl_sync(gpu::kAllLanes, 2.0f, 0);
  }
}

[[maybe_unused]] __global__ void beyond_the_end(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x + 64];
}

[[maybe_unused]] __global__ void misaligned(const float* x, float* y) {
  y[threadIdx.x] = gpu::load_pack<4>(x + 1).v[0];
}

[[maybe_unused]] __global__ void endless_recursion(float* y, int depth) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(depth);
  if (depth < 1 << 20) endless_recursion(y, depth + 1);
  y[0] = frame[0];
}

[[maybe_unused]] __global__ void no_dynamic_memory(float* y) {
  y[threadIdx.x] = SHARED_DYNAMIC(float)[threadIdx.x];
}

__global__ void too_much_static_memory(float* y) {
  SHARED_ARRAY(float, a, [10000]);
  SHARED_ARRAY(float, b, [10000]);
  y[threadIdx.x] = a[threadIdx.x] + b[threadIdx.x];
}

__global__ void some_static_memory(float* y) {
  SHARED_ARRAY(float, a, [512]);
  a[threadIdx.x] = 1.0f;
  y[threadIdx.x] = a[threadIdx.x];
}

__global__ void copy_kernel(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }

}  // namespace

TEST_CASE("a barrier in both branches of a condition is divergent") {
  const Buffer<float> y(64);
  const std::string text = run(divergent_barrier, 1, 64, 0, y.get());
  CHECK(contains(text, "divergent barrier: __syncthreads at tests/sim/diagnoses_test.cpp:16"));
  CHECK(contains(text, "others wait in __syncthreads at tests/sim/diagnoses_test.cpp:13"));
}

TEST_CASE("a barrier after some threads have returned can never be passed") {
  const Buffer<float> y(64);
  // Who comes last is told: a thread that waits, or one that finds that others have left.
  CHECK(contains(run(early_return, 1, 64, 0, y.get(), 40u), "threads 40-63 have returned"));
  const OrderGuard reverse("reverse");
  CHECK(contains(run(early_return, 1, 64, 0, y.get(), 40u), "24 of 64 threads have returned"));
  CHECK(run(early_return, 1, 64, 0, y.get(), 64u) == "");
}

TEST_CASE("a deadlock says who waits where") {
  const Buffer<float> y(32);
  const std::string text = run(warp_waits_for_block, 1, 32, 0, y.get());
  CHECK(contains(text, "block (0, 0, 0): deadlock: threads 1, 3, 5"));
  CHECK(contains(text, "wait in __syncthreads at tests/sim/diagnoses_test.cpp:30"));
  CHECK(contains(text, "wait in __shfl_sync at tests/sim/diagnoses_test.cpp:28"));
}

TEST_CASE("wrong masks of warp functions are named") {
  const Buffer<float> y(32);
  CHECK(contains(run(absent_lane, 1, 32, 0, y.get()),
                 "lane 0 reads lane 20, which is not in mask 0x0000ffff"));
  CHECK(contains(run(not_in_own_mask, 1, 32, 0, y.get()), "lane 16 is not in its own mask"));
  CHECK(contains(run(divergent_warp, 1, 32, 0, y.get()), "divergent warp"));
  const OrderGuard reverse("reverse");
  CHECK(contains(run(returned_lane, 1, 32, 0, y.get()), "lane 16 of mask 0xffffffff has returned"));
}

// Under AddressSanitizer these faults are its own, and end the process.
#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("memory beyond an allocation, and misaligned packs, are faults with a place") {
  const Buffer<float> x(counting(64)), y(64);
  const std::string text = run(beyond_the_end, 1, 64, 0, x.get(), y.get());
  CHECK(contains(text, "beyond_the_end, block (0, 0, 0), thread (0, 0, 0)"));
  CHECK(contains(text, "0 bytes after the end of an allocation of 256 bytes"));
  CHECK(contains(text, "tests/sim/diagnoses_test.cpp:"));
  CHECK(contains(run(misaligned, 1, 32, 0, x.get(), y.get()), "misaligned"));
}

TEST_CASE("a stack that overflows is a fault of the kernel") {
  const Buffer<float> y(32);
  CHECK(contains(run(endless_recursion, 1, 32, 0, y.get(), 0), "its stack overflows"));
}
#endif

TEST_CASE("shared memory beyond the limits is refused") {
  const Buffer<float> x(counting(64)), y(64);
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(contains(run(no_dynamic_memory, 1, 32, 0, y.get()),
                 "touches dynamic shared memory, but the launch gave none"));
#endif
  CHECK(contains(run(too_much_static_memory, 1, 32, 0, y.get()), "SHARED_ARRAY b: the block has"));
  CHECK(contains(
      run(some_static_memory, 1, 32, 47 << 10, y.get()),
      "the limits are 49152 and 49152 in all, because the launch asked for no permission"));
  CHECK(run(some_static_memory, 1, 32, 44 << 10, y.get()) == "");
  CHECK(contains(run(copy_kernel, 1, 64, 64 << 10, x.get(), y.get()),
                 "65536 bytes of dynamic shared memory, but the kernel was allowed 49152"));
}

TEST_CASE("launches with a wrong configuration or a host pointer are refused") {
  const Buffer<float> x(counting(64)), y(64);
  CHECK(run(copy_kernel, 0, 64, 0, x.get(), y.get()) != "");
  CHECK(run(copy_kernel, 1, 2048, 0, x.get(), y.get()) != "");
  CHECK(contains(run(copy_kernel, 1, 33, 0, x.get(), y.get()), "a multiple of 32 threads"));
  const float host[64] = {};
  CHECK(contains(run(copy_kernel, 1, 64, 0, static_cast<const float*>(host), y.get()),
                 "argument 1 is a pointer to host memory"));
  CHECK(run(copy_kernel, 1, 64, 0, x.get(), y.get()) == "");
  CHECK(y.values() == counting(64));
}

TEST_CASE("after a failed kernel every call fails until the device is reset") {
  const Buffer<float> y(64);
  sim::launch(divergent_barrier, 1, 64, 0, nullptr, y.get());
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  void* data = nullptr;
  CHECK(cudaMalloc(&data, 4) == cudaErrorLaunchFailure);
  sim::reset_device();
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}
