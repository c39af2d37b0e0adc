// What only the memory checker finds: each defect is planted here, and beside it stands the kernel
// that is right and must not be accused.
#include "tests/sim/support.h"

using namespace iolaus;
using namespace iolaus::test;

namespace {

constexpr unsigned kThreads = 64;

__global__ void beyond_by_one(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x + 1]; }

struct Views {
  const float* x;
};
__global__ void copy_views(Views v, float* y) { y[threadIdx.x] = v.x[threadIdx.x]; }

__global__ void write_beyond_by_one(float* y) { y[threadIdx.x + 1] = 1; }

__global__ void read_uninitialised(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x] > 0 ? 1.0f : 0.0f;
}

__global__ void shared_uninitialised(const float* x, float* y) {
  SHARED_ARRAY(float, s, [kThreads]);
  if (threadIdx.x < kThreads - 1) s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x] > 0 ? 1.0f : 0.0f;
}

__global__ void shared_beyond(const float* x, float* y) {
  SHARED_ARRAY(float, s, [kThreads]);
  s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  const float* p = s;
  y[threadIdx.x] = p[threadIdx.x + 1];
}

template <bool kBarrier> __global__ void reverse_block(const float* x, float* y) {
  SHARED_ARRAY(float, s, [kThreads]);
  s[threadIdx.x] = x[threadIdx.x];
  if (kBarrier) __syncthreads();
  y[threadIdx.x] = s[kThreads - 1 - threadIdx.x];
}

// The second barrier keeps the next round's writes from this round's reads.
template <bool kBarrier> __global__ void write_after_read(const float* x, float* y) {
  SHARED_ARRAY(float, s, [kThreads]);
  float sum = 0;
  for (int round = 0; round < 3; ++round) {
    s[threadIdx.x] = x[threadIdx.x] + static_cast<float>(round);
    __syncthreads();
    sum += s[kThreads - 1 - threadIdx.x];
    if (kBarrier) __syncthreads();
  }
  y[threadIdx.x] = sum;
}

template <bool kSync> __global__ void reverse_warp(const float* x, float* y) {
  SHARED_ARRAY(float, s, [kThreads]);
  const unsigned first = threadIdx.x & ~31u, lane = threadIdx.x & 31u;
  s[threadIdx.x] = x[threadIdx.x];
  if (kSync) {
    __syncwarp();
  } else {
    __shfl_sync(gpu::kAllLanes, 1, 0);  // no fence
  }
  y[threadIdx.x] = s[first + 31 - lane];
}

__global__ void same_value_by_all(float* y) {
  SHARED_ARRAY(float, s, [1]);
  s[0] = 1;
  __syncthreads();
  y[threadIdx.x] = s[0];
}

template <bool kAtomic> __global__ void histogram(const int* index, float* y) {
  float* bin = y + index[blockIdx.x * blockDim.x + threadIdx.x];
  if (kAtomic) {
    atomicAdd(bin, 1.0f);
  } else {
    *bin += 1;
  }
}

// kCount of 5 goes one beyond the sums, which the compiler may keep in registers.
template <int kCount> __global__ void own_sums(const float* x, float* y) {
  float sums[4] = {};
#pragma GCC diagnostic ignored "-Waggressive-loop-optimizations"
  for (int i = 0; i < kCount; ++i) sums[i] += x[threadIdx.x] + static_cast<float>(i);
  y[threadIdx.x] = sums[0] + sums[3];
}

// A row of the tile has 33 places; place 33 is the next row's first.
template <int kColumn> __global__ void beyond_a_row(const float* x, float* y) {
  SHARED_ARRAY(float, tile, [4][33]);
  const int row = static_cast<int>(threadIdx.x) / 32, column = static_cast<int>(threadIdx.x) % 32;
  tile[row][column] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = tile[row][column == 0 ? kColumn : 0];
}

}  // namespace

TEST_CASE("accesses one element beyond are found, and not before") {
  const Buffer<float> x(counting(kThreads)), longer(counting(kThreads + 1)), y(kThreads);
  CHECK(contains(run(beyond_by_one, 1, kThreads, 0, x.get(), y.get()), "out of bounds"));
  CHECK(run(beyond_by_one, 1, kThreads, 0, longer.get(), y.get()) == "");
  const std::string text = run(write_beyond_by_one, 1, kThreads, 0, y.get());
  CHECK(contains(text, "out of bounds: block (0, 0, 0), thread (63, 0, 0) writes 4 bytes"));
  CHECK(contains(text, "tests/sim_checked/checker_test.cpp:19"));
  CHECK(contains(run(shared_beyond, 1, kThreads, 0, x.get(), y.get()), "of shared memory"));
}

TEST_CASE("an index beyond an array of the thread's own, or a row of a shared one, is found") {
  const Buffer<float> x(counting(kThreads)), y(kThreads);
  const std::string text = run(own_sums<5>, 1, kThreads, 0, x.get(), y.get());
  CHECK(contains(text, "out of bounds: index 4 of 'float [4]' at "));
  CHECK(contains(text, "tests/sim_checked/checker_test.cpp:"));
  CHECK(contains(text, "block (0, 0, 0), thread (0, 0, 0)"));
  CHECK(run(own_sums<4>, 1, kThreads, 0, x.get(), y.get()) == "");
  CHECK(contains(run(beyond_a_row<33>, 1, kThreads, 0, x.get(), y.get()),
                 "index 33 of 'float [33]'"));
  CHECK(run(beyond_a_row<1>, 1, kThreads, 0, x.get(), y.get()) == "");
}

TEST_CASE("a pointer to the host's memory in a struct is found when it is used") {
  const std::vector<float> host(kThreads);
  const Buffer<float> x(counting(kThreads)), y(kThreads);
  CHECK(contains(run(copy_views, 1, kThreads, 0, Views{host.data()}, y.get()), "host memory"));
  CHECK(run(copy_views, 1, kThreads, 0, Views{x.get()}, y.get()) == "");
}

TEST_CASE("reads of what nobody wrote are found") {
  const Buffer<float> x(counting(kThreads)), fresh(kThreads), y(kThreads);
  CHECK(contains(run(read_uninitialised, 1, kThreads, 0, fresh.get(), y.get()),
                 "uninitialised read"));
  CHECK(run(read_uninitialised, 1, kThreads, 0, x.get(), y.get()) == "");
  CHECK(contains(run(shared_uninitialised, 1, kThreads, 0, x.get(), y.get()),
                 "uninitialised read: block (0, 0, 0), thread (63, 0, 0)"));
}

TEST_CASE("a missing barrier is a race, in whatever order the threads run") {
  const Buffer<float> x(counting(kThreads)), y(kThreads);
  for (const char* order : {"forward", "reverse", "lifo", "random:1", "random:2"}) {
    const OrderGuard guard(order);
    CAPTURE(order);
    CHECK(run(reverse_block<false>, 1, kThreads, 0, x.get(), y.get()) != "");
    CHECK(contains(run(write_after_read<false>, 1, kThreads, 0, x.get(), y.get()), "data race"));
    CHECK(run(reverse_warp<false>, 1, kThreads, 0, x.get(), y.get()) != "");
    CHECK(contains(run(same_value_by_all, 1, kThreads, 0, y.get()), "data race"));
    CHECK(run(reverse_block<true>, 1, kThreads, 0, x.get(), y.get()) == "");
    CHECK(run(write_after_read<true>, 1, kThreads, 0, x.get(), y.get()) == "");
    CHECK(run(reverse_warp<true>, 1, kThreads, 0, x.get(), y.get()) == "");
  }
}

TEST_CASE("blocks that add to one place race unless they do it atomically") {
  const Buffer<int> index(std::vector<int>(2 * kThreads, 3));
  const Buffer<float> y(std::vector<float>(8, 0.0f));
  CHECK(contains(run(histogram<false>, 2, kThreads, 0, index.get(), y.get()), "data race"));
  CHECK(run(histogram<true>, 2, kThreads, 0, index.get(), y.get()) == "");
}
